"""What a laboratory would count, as probabilities instead of drawn counts.

The assays are those of the early-breast study, as a study uses them: detection by phenotype, with
what the parameter set says of them, of the burdens that a study makes of a history. Given these the
count in a sample has a known law: cells in a marrow aspirate are Poisson with a gamma density
between sites (negative binomial), those in a tube of blood, clusters among them, Poisson with a
lognormal momentary level, and false positives add a Poisson count to either. Every output of the
model is a mean over that law, so that the only noise left is that of the patients' lives. It is the
limit of examining each simulated patient again and again. Left out is the scatter between readers,
which moves no share by more than 0.002.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray

from marrowtrace.assays import Assay, Burden, assay
from marrowtrace.simulation import BURDENS, History
from marrowtrace.study.observation import burden_at

Array = NDArray[np.float64]
BLOOD, LARGE_BLOOD, MARROW = "cellsearch", "cellsearch-23ml", "a45-b-b3"
"""Assays of the early-breast study."""
_NODES, _WEIGHTS = hermegauss(48)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


class Laboratory:
    """Laws of the counts in samples of the patients of a history.

    Parameters
    ----------
    history : History
    assays : mapping of str to Assay, optional
        By name; those of the early-breast study with the history's parameters if left out.
    """

    def __init__(self, history: History, assays: Mapping[str, Assay] | None = None) -> None:
        self.history = history
        parameters = history.scenario.parameters
        self.assays = assays or {
            name: assay(name).with_catalogue(parameters) for name in (BLOOD, LARGE_BLOOD, MARROW)
        }
        self._columns = {name: history.burden(name) for name in BURDENS}

    def burden(self, visit: int, specimen: str) -> Burden:
        """Return what a sample could hold at a visit; cells are NaN where there was none."""
        taken = ~np.isnan(self._columns["perivascular"][:, visit])
        parameters = self.history.scenario.parameters
        return burden_at(specimen, self._columns, visit, taken, parameters)

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
        method = self.assays[MARROW]
        mean = seen(method, self.burden(visit, "bone_marrow"))
        shape = method["site_shape"]
        found = [(1 + mean / shape) ** -shape]
        for count in range(1, most + 1):
            found.append(found[-1] * (shape + count - 1) / count * mean / (shape + mean))
        rate = method["false_positives"] * method["amount"]
        false = [np.exp(-rate)]
        for count in range(1, most + 1):
            false.append(false[-1] * rate / count)
        return np.array(
            [
                sum(found[own] * false[total - own] for own in range(total + 1))
                for total in range(most + 1)
            ]
        )

    def blood(self, visit: int, below: int = 1, name: str = BLOOD) -> Array:
        """Return the probability of at least ``below`` CTCs by an assay, shape (n,)."""
        method = self.assays[name]
        expected = seen(method, self.burden(visit, "blood"))
        false = method["false_positives"] * method["amount"]
        spread = self.history.scenario.parameters["blood_burst_log_sd"].canonical
        fewer = np.zeros_like(expected)
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            mean = expected * np.exp(spread * node - spread**2 / 2) + false
            term = np.exp(-mean)
            part = term.copy()
            for count in range(1, below):
                term = term * mean / count
                part += term
            fewer += weight * part
        return 1 - fewer


def seen(method: Assay, burden: Burden) -> Array:
    """Return the tumour cells that a sample shows on average, at the mean level, shape (n,).

    A cell is seen if it is recovered and carries the marker; a cluster counts once, if it is
    recovered and any of its cells carries it. Patients without a phenotype have no cells there.
    """
    if method.clusters != "one" or method["sides"] != 1:
        raise ValueError(f"{method.name}: only one sample with clusters counted once has this law")
    shares = np.where(np.isnan(burden.phenotype), method.reference, burden.phenotype)
    marked = shares @ np.array(method.markers)
    blind = (1 - marked) ** 2 * np.exp(-(method["cluster_size"] - 2) * marked)
    events = burden.cells * marked + burden.clusters * method["cluster_recovery"] * (1 - blind)
    found: Array = method.sampled_share * method["recovery"] * events
    return found
