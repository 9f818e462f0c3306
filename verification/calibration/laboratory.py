"""What a laboratory would count, as probabilities instead of drawn counts.

Given a patient's burden, the count in a sample has a known law: cells in a marrow aspirate are
Poisson with a gamma density between sites (negative binomial), those in a tube of blood Poisson
with a lognormal momentary level, and false positives add a Poisson count to either. Every output of
the model is a mean over that law, so that the only noise left is that of the patients' lives. It is
the limit of examining each simulated patient again and again.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray

from marrowtrace.simulation import History

Array = NDArray[np.float64]
_NODES, _WEIGHTS = hermegauss(48)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_CTC = ("ctc_primary", "ctc_lesions", "ctc_marrow", "ctc_clusters")
_MARROW = ("perivascular", "endosteal")


class Laboratory:
    """Laws of the counts in samples of the patients of a history, with its own parameters."""

    def __init__(self, history: History) -> None:
        self.history = history

    def _value(self, symbol: str) -> float:
        return self.history.scenario.parameters[symbol].canonical

    def marrow(self, visit: int, most: int = 1) -> Array:
        """Return the probabilities of 0, ..., ``most`` DTCs in one aspirate.

        Parameters
        ----------
        visit : int
            Place in the visits of the scenario.
        most : int

        Returns
        -------
        ndarray, shape (most + 1, n)
            NaN where the visit did not take place.
        """
        cells = sum(self.history.burden(name)[:, visit].astype(float) for name in _MARROW)
        screened = self._value("marrow_cells_screened")
        share = screened / self._value("marrow_mononuclear_cells")
        mean = cells * share * self._value("dtc_detection_probability")
        shape = self._value("marrow_site_shape")
        found = [(1 + mean / shape) ** -shape]
        for count in range(1, most + 1):
            found.append(found[-1] * (shape + count - 1) / count * mean / (shape + mean))
        false = [np.exp(-self._value("dtc_false_positives") * screened)]
        for count in range(1, most + 1):
            false.append(false[-1] * self._value("dtc_false_positives") * screened / count)
        return np.array(
            [
                sum(found[own] * false[total - own] for own in range(total + 1))
                for total in range(most + 1)
            ]
        )

    def blood(self, visit: int, below: int = 1, volume: float = 7.5) -> Array:
        """Return the probability of at least ``below`` CTCs in ``volume`` mL, shape (n,)."""
        cells = sum(self.history.burden(name)[:, visit].astype(float) for name in _CTC)
        share = volume / self._value("blood_volume") * self._value("ctc_detection_probability")
        false = self._value("ctc_false_positives") * volume
        spread = self._value("blood_burst_log_sd")
        fewer = np.zeros_like(cells)
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            mean = cells * (share * np.exp(spread * node - spread**2 / 2)) + false
            term = np.exp(-mean)
            part = term.copy()
            for count in range(1, below):
                term = term * mean / count
                part += term
            fewer += weight * part
        return 1 - fewer
