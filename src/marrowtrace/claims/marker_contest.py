"""The title claim: after therapy, do cells in marrow foretell more than cells in blood?

The same virtual patients are sampled in blood and marrow, by assays of several amounts, at several
times, in two structures of the disease; each pair of markers is compared by the difference of
Harrell's C with the interval of paired samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from marrowtrace.claims.measure import Figure, Reals, Truths
from marrowtrace.claims.measure import marrow as true_marrow
from marrowtrace.claims.samples import blood_cells, fitted, hazard_ratio, outcome, read
from marrowtrace.claims.world import World
from marrowtrace.simulation import History

BLOOD = (7.5, 23.0, 100.0, 500.0)
MARROW = (5e5, 2e6, 1e7, 2e7)
MONTHS = {1: 1, 2: 8, 3: 12, 4: 24, 5: 36, 6: 60}
"""Place of a usual visit, and its month."""
STRUCTURES = ("early-breast", "early-breast-reservoir")
USUAL_VISIT, YEARS = 3, 10.0
TABLES = ("amounts", "times", "follow_up", "endpoints", "biology", "truth")
VARIED = (
    "blood_burst_log_sd",
    "marrow_site_shape",
    "perivascular_egress_rate",
    "lesion_shedding_onset_size",
    "lesion_shedding_multiplier",
)
"""Parameters that are set to the ends of their ranges, one at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two markers of the same patients after therapy.

    Parameters
    ----------
    structure : str
        Parameter set.
    month : int
        Of sampling, after diagnosis.
    years : float
        Follow-up from the sample.
    endpoint : str
    blood, marrow : float
        Amount examined [mL, mononuclear cells]; infinite for the true number of cells.
    moment : bool
        With the true number: that on the day of the draw, not its mean over days.
    ctc_positive, dtc_positive : float
        Shares of patients.
    ctc_c, dtc_c : float
        Harrell's C of the counts.
    difference, low, high : float
        DTC less CTC, 95 % interval.
    ctc_ratio, dtc_ratio : str
        Hazard ratios of at least one cell.
    varied : str
        Parameter that is at an end of its range, with its value; empty if none.
    """

    structure: str
    month: int
    years: float
    endpoint: str
    blood: float
    marrow: float
    moment: bool
    ctc_positive: float | None
    dtc_positive: float | None
    ctc_c: float
    dtc_c: float
    difference: float
    low: float
    high: float
    ctc_ratio: str
    dtc_ratio: str
    varied: str = ""

    @property
    def better(self) -> str:
        """Which marker is the better one: DTC, CTC, or neither for certain."""
        return "DTC" if self.low > 0 else "CTC" if self.high < 0 else "neither"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Every pair that was compared, by what was varied.

    Parameters
    ----------
    amounts, times, follow_up, endpoints, biology, truth : tuple of Pair
    patients : int
    """

    amounts: tuple[Pair, ...] = ()
    times: tuple[Pair, ...] = ()
    follow_up: tuple[Pair, ...] = ()
    endpoints: tuple[Pair, ...] = ()
    biology: tuple[Pair, ...] = ()
    truth: tuple[Pair, ...] = ()
    patients: int

    def to_json(self) -> dict[str, Any]:
        """Return answer, findings, tables and methods as plain values, for the page."""
        from marrowtrace.claims.marker_contest_words import in_words

        return in_words(self)

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return the pairs of one table as plain values."""
        return [{**asdict(pair), "better": pair.better} for pair in getattr(self, name)]


def contest(world: World, tables: Sequence[str] = TABLES) -> Contest:
    """Hold the markers against each other.

    Parameters
    ----------
    world : World
    tables : sequence of str
        Which of `TABLES` to make.

    Returns
    -------
    Contest
    """
    made: dict[str, tuple[Pair, ...]] = {}
    usual: Mapping[str, Any] = {"visit": USUAL_VISIT, "years": YEARS, "endpoint": "distant_relapse"}
    if "amounts" in tables:
        made["amounts"] = tuple(
            _pair(world, "early-breast", blood=blood, marrow=marrow, **usual)
            for blood in BLOOD
            for marrow in MARROW
        )
    if "times" in tables:
        made["times"] = tuple(
            _pair(world, name, visit=visit, years=YEARS, endpoint="distant_relapse")
            for name in STRUCTURES
            for visit in MONTHS
        )
    if "follow_up" in tables:
        made["follow_up"] = tuple(
            _pair(world, name, visit=USUAL_VISIT, years=years, endpoint="distant_relapse")
            for name in STRUCTURES
            for years in (2.0, 5.0, 10.0, 15.0)
        )
    if "endpoints" in tables:
        made["endpoints"] = tuple(
            _pair(world, name, visit=USUAL_VISIT, years=YEARS, endpoint=endpoint)
            for name in STRUCTURES
            for endpoint in ("bone_relapse", "visceral_relapse", "distant_relapse", "death")
        )
    if "biology" in tables:
        made["biology"] = tuple(
            _pair(world, "early-breast", varied=(symbol, value), **usual)
            for symbol in VARIED
            for value in _ends(world, symbol)
        )
    if "truth" in tables:
        made["truth"] = tuple(
            _pair(
                world, name, visit=visit, years=YEARS, endpoint="distant_relapse",
                blood=np.inf, marrow=np.inf, moment=moment,
            )
            for name in STRUCTURES
            for visit in (USUAL_VISIT, 6)
            for moment in (False, True)
        )  # fmt: skip
    return Contest(**made, patients=world.patients)


def title_pair(world: World, *, wrong: int = 0) -> Pair:
    """Return the pair that the title claim speaks of: usual assays, a year after diagnosis.

    ``wrong``, the number of an exchange, hands the marrow samples to the wrong patients.
    """
    return _pair(
        world, "early-breast", visit=USUAL_VISIT, years=YEARS, endpoint="distant_relapse",
        wrong=wrong,
    )  # fmt: skip


def _pair(
    world: World,
    structure: str,
    *,
    visit: int,
    years: float,
    endpoint: str,
    blood: float = 7.5,
    marrow: float = 2e6,
    moment: bool = False,
    wrong: int = 0,
    varied: tuple[str, float] | None = None,
) -> Pair:
    """Compare one pair of markers."""
    from marrowtrace.survival.concordance import harrell_concordance
    from marrowtrace.survival.difference import influence_difference

    values = {} if varied is None else {varied[0]: varied[1]}
    history = world.history(world.arm(structure, values=values))
    who = _sampled(history, visit)
    if np.isinf(blood):
        ctc, dtc = blood_cells(history, visit), true_marrow(history, visit)
        if moment:
            ctc = ctc * np.nan_to_num(history.burden("burst")[:, visit].astype(np.float64))
    else:
        ctc = _count(history, "cellsearch", visit, blood)
        dtc = _count(history, "a45-b-b3", visit, marrow)
    if wrong:
        dtc[who] = np.random.default_rng(world.seed + wrong).permutation(dtc[who])
    time, event = outcome(history, endpoint, visit, years)
    one = harrell_concordance(time[who], event[who], risk=dtc[who])
    other = harrell_concordance(time[who], event[who], risk=ctc[who])
    gap = influence_difference(
        "C", None, one.value - other.value, one.influence - other.influence, 0.95
    )
    return Pair(
        structure=structure,
        month=MONTHS[visit],
        years=years,
        endpoint=endpoint,
        blood=blood,
        marrow=marrow,
        moment=moment,
        ctc_positive=None if np.isinf(blood) else float((ctc[who] >= 1).mean()),
        dtc_positive=None if np.isinf(marrow) else float((dtc[who] >= 1).mean()),
        ctc_c=other.value,
        dtc_c=one.value,
        difference=gap.estimate,
        low=gap.low,
        high=gap.high,
        ctc_ratio=_ratio(time, event, ctc, who, np.isinf(blood)),
        dtc_ratio=_ratio(time, event, dtc, who, np.isinf(marrow)),
        varied="" if varied is None else f"{varied[0]} = {varied[1]:g}",
    )


def _ends(world: World, symbol: str) -> tuple[float, float]:
    """The ends of a parameter's range, in its own unit."""
    parameter = world.arm().parameters[symbol]
    return float(parameter.low), float(parameter.high)


def _ratio(time: Reals, event: Truths, cells: Reals, who: Truths, true: bool) -> str:
    """Hazard ratio of at least one cell; of the upper half where the truth is known."""
    cut = float(np.median(cells[who])) if true else 1.0
    found: Figure = hazard_ratio(time, event, np.asarray(cells >= max(cut, 1e-300)), who)
    return found.words(3)


def _sampled(history: History, visit: int) -> Truths:
    """Alive, without distant relapse, not metastatic at diagnosis."""
    there = ~np.isnan(history.burden("perivascular")[:, visit])
    free = history.column("distant_relapse") > history.scenario.visits[visit]
    return np.asarray(there & free & (history.column("metastatic_at_diagnosis") == 0))


def _count(history: History, assay: str, visit: int, amount: float) -> Reals:
    return np.nan_to_num(read(history, fitted(history, assay, {"amount": amount}), visit).count)
