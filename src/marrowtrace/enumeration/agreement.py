"""Do blood and marrow agree in the same patients, and is the rest more than sampling noise?

Nearest samples are paired (`pairing`), their verdicts compared (`two_by_two`), and what two samples
of the same burden would disagree by chance is taken from the counts (`same_burden`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from marrowtrace.cohort import Cohort
from marrowtrace.enumeration.pairing import Marker, paired_samples
from marrowtrace.enumeration.same_burden import SamplingNoise, sampling_noise
from marrowtrace.enumeration.two_by_two import TwoByTwo, two_by_two
from marrowtrace.errors import CohortError
from marrowtrace.evidence.plain_values import PlainValue, plain, scalar_fields


@dataclass(frozen=True, slots=True)
class MarkerAgreement:
    """Agreement of two markers in the same patients.

    Parameters
    ----------
    pairs : DataFrame
        As `paired_samples` returns them.
    first, second : str
        The markers.
    window : float
        Days the two samples may be apart.
    measures : TwoByTwo
    noise : SamplingNoise or None
        None where the counts do not allow it.
    remark : str
        Why there is no ``noise``, or how many pairs it leaves out; may be empty.
    """

    pairs: pl.DataFrame
    first: str
    second: str
    window: float
    measures: TwoByTwo
    noise: SamplingNoise | None
    remark: str

    def table(self) -> pl.DataFrame:
        """Return one row: the markers, the measures, and the noise with the prefix ``noise_``."""
        row: dict[str, bool | int | float | str] = {"first": self.first, "second": self.second}
        row |= scalar_fields(self.measures)
        if self.noise is not None:
            row |= {f"noise_{k}": v for k, v in scalar_fields(self.noise).items()}
        return pl.DataFrame([row])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the result as plain JSON values, pairs included; an endless window is None."""
        return {
            "first": self.first,
            "second": self.second,
            "window": plain(self.window),
            "measures": plain(self.measures),
            "noise": plain(self.noise),
            "remark": self.remark,
            "pairs": plain(self.pairs.to_dicts()),
        }


def marker_agreement(
    rng: np.random.Generator,
    cohort: Cohort,
    first: Marker,
    second: Marker,
    *,
    window: float,
    replicates: int = 499,
    level: float = 0.95,
) -> MarkerAgreement:
    """Compare two markers in the same patients, as CTCs in blood and DTCs in marrow.

    Parameters
    ----------
    rng : numpy.random.Generator
    cohort : Cohort
    first, second : Marker
    window : float
        Days the two samples may be apart.
    replicates : int
        Cohorts drawn for the sampling noise, at least 99.
    level : float

    Returns
    -------
    MarkerAgreement

    Raises
    ------
    CohortError
        If a marker is not in the cohort or no patient has both within the window.
    ParameterError
        If an argument is outside its range.

    Examples
    --------
    ``marker_agreement(rng, cohort, Marker("CTC"), Marker("DTC"), window=14)``
    """
    pairs = paired_samples(cohort, first, second, window=window)
    x, y = pairs["positive_first"].to_numpy(), pairs["positive_second"].to_numpy()
    cells = [int(v.sum()) for v in (x & y, x & ~y, ~x & y, ~x & ~y)]
    measures = two_by_two(*cells, level=level)
    counted = pairs.filter(
        pl.col("count_first").is_not_null() & pl.col("count_second").is_not_null()
    )
    left_out = pairs.height - counted.height
    remark = f"{left_out} pair(s) without two counts are left out of the noise" if left_out else ""
    noise = None
    if counted.height:
        try:
            noise = sampling_noise(
                rng,
                (counted["count_first"].to_numpy(), counted["examined_first"].to_numpy()),
                (counted["count_second"].to_numpy(), counted["examined_second"].to_numpy()),
                thresholds=(first.threshold, second.threshold),
                replicates=replicates,
                level=level,
            )
        except CohortError as error:
            remark = f"the sampling noise cannot be told: {error}"
    return MarkerAgreement(pairs, str(first), str(second), window, measures, noise, remark)
