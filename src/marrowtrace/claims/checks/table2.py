"""Table 2: each printed p-value among those of virtual trials of the same size."""

from __future__ import annotations

from dataclasses import dataclass

from marrowtrace.claims.check import CONTRADICTED, REPRODUCED, Check, Outcome
from marrowtrace.claims.trials import ORACLE, SWAPPED, TRUE, Cell, Trial, hold
from marrowtrace.claims.world import World
from marrowtrace.simulation import Therapy

_LEVEL = 0.05
_SOURCE = "the cited source itself"
_MONTH = 365.25 / 12
_FIRST_LINE = Therapy(
    "chemotherapy", start=7.0, duration=126.0, effects={"log_kill": 0.5}, cycles=6
)
_BEFORE_SURGERY = 160.0  # after the last cycle, before surgery on day 168
_NEOADJUVANT = Trial(
    model="neoadjuvant-breast", assay="ae1-ae3", days=(0.0, _BEFORE_SURGERY, 365.0), years=7.0
)
_PROSTATE = Trial(
    model="localised-prostate", assay="ae1-ae3", days=(0.0, 24 * _MONTH), years=7.0,
    regimens=("androgen-deprivation", "radiotherapy"),
)  # fmt: skip
_RECTAL = Trial(
    model="colorectal", assay="ck20-rt-pcr-marrow", days=(80.0,), years=5.0,
    regimens=("radiochemotherapy-rectal",), surgery=84.0,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One claim of Table 2.

    Parameters
    ----------
    claim : str
    trial : Trial
    cells : tuple of Cell
    note : str
    wrong : bool
        The cited paper itself says that who was sampled, when, or for what, is not as printed:
        the statement is contradicted, whatever the virtual trials give.
    control : str
        Samples under which the check must fail.
    """

    claim: str
    trial: Trial
    cells: tuple[Cell, ...]
    note: str
    wrong: bool = False
    control: str = SWAPPED


ENTRIES = (
    Entry(
        claim="C094",
        trial=Trial(
            model="metastatic-breast", assay="cellsearch", threshold=5, days=(0.0, 28.0),
            years=1.5, regimens=(), extra=(_FIRST_LINE,),
        ),
        cells=(
            Cell(row="t2-01-os-pre", visit=0, endpoint="death"),
            Cell(row="t2-01-os-post", visit=1, endpoint="death"),
        ),
        note="stage IV, first line; not adjuvant, and 'DFS' is progression, which the model lacks. "
        "Survival after relapse does not depend on the burden in the model",
        wrong=True,
    ),
    Entry(
        claim="C095",
        trial=Trial(
            model="neoadjuvant-breast", assay="cellsearch", threshold=1,
            days=(0.0, _BEFORE_SURGERY), years=5.0,
        ),
        cells=(
            Cell(row="t2-02-os-pre", visit=0, endpoint="death"),
            Cell(row="t2-03-os-pre", visit=0, endpoint="death", threshold=2),
            Cell(row="t2-02-os-post", visit=1, endpoint="death"),
            Cell(row="t2-03-os-post", visit=1, endpoint="death", threshold=2),
            Cell(row="t2-02-dfs-pre", visit=0, endpoint="disease_free"),
            Cell(row="t2-03-dfs-pre", visit=0, endpoint="disease_free", threshold=2),
            Cell(row="t2-02-dfs-post", visit=1, endpoint="disease_free"),
            Cell(row="t2-03-dfs-post", visit=1, endpoint="disease_free", threshold=2),
        ),
        note="two thresholds on one cohort are not two studies; 207 patients after therapy",
    ),
    Entry(
        claim="C096",
        trial=Trial(model="early-breast", assay="a45-b-b3", days=(0.0,), years=5.0),
        cells=(Cell(row="t2-04-os-pre", visit=0, endpoint="death"),),
        note="",
        control=ORACLE,
    ),
    Entry(
        claim="C097",
        trial=Trial(model="neoadjuvant-breast", assay="a45-b-b3", days=(0.0,), years=5.0),
        cells=(
            Cell(row="t2-05-os-pre", visit=0, endpoint="death"),
            Cell(row="t2-05-dfs-pre", visit=0, endpoint="disease_free"),
        ),
        note="the title says before primary systemic therapy, so neoadjuvant",
    ),
    Entry(
        claim="C098",
        trial=_NEOADJUVANT,
        cells=(
            Cell(row="t2-06-os-pre", visit=0, endpoint="death"),
            Cell(row="t2-06-os-post", visit=2, endpoint="death"),
            Cell(row="t2-07-os-post", visit=2, endpoint="death", assay="cellsearch"),
        ),
        note="231 patients before, 162 and 141 at 12 months, not 236; blood by CellSearch, for "
        "want of that stain in blood",
    ),
    Entry(
        claim="C099",
        trial=_NEOADJUVANT,
        cells=(
            Cell(row="t2-10-dfs-pre", visit=0, endpoint="disease_free"),
            Cell(row="t2-10-dfs-post", visit=2, endpoint="disease_free"),
            Cell(row="t2-11-dfs-pre", visit=0, endpoint="disease_free", assay="cellsearch"),
            Cell(row="t2-11-dfs-post", visit=2, endpoint="disease_free", assay="cellsearch"),
        ),
        note="231, 162, 219 and 141 patients, not 211",
    ),
    Entry(
        claim="C100",
        trial=Trial(
            model="early-breast", assay="cellsearch-23ml", threshold=1, days=(20.0, 180.0),
            years=3.0, treated=True,
        ),
        cells=(
            Cell(row="t2-14-os-pre", visit=0, endpoint="death"),
            Cell(row="t2-14-os-post", visit=1, endpoint="death"),
            Cell(row="t2-14-dfs-pre", visit=0, endpoint="disease_free"),
            Cell(row="t2-14-dfs-post", visit=1, endpoint="disease_free"),
        ),
        note="virtual patients who take adjuvant chemotherapy; an interim report of the trial of "
        "rack2014",
    ),
    Entry(
        claim="C101",
        trial=_PROSTATE,
        cells=(
            Cell(row="t2-15-os-pre", visit=0, endpoint="death"),
            Cell(row="t2-16-os-post", visit=1, endpoint="death"),
        ),
        note="radiotherapy and hormones, not adjuvant chemotherapy",
    ),
    Entry(
        claim="C102",
        trial=_PROSTATE,
        cells=(
            Cell(row="t2-17-dfs-pre", visit=0, endpoint="distant_relapse"),
            Cell(row="t2-17-dfs-post", visit=1, endpoint="distant_relapse"),
        ),
        note="66 patients before; clinical progression is played as distant relapse; significance "
        "was lost once PSA was entered",
    ),
    Entry(
        claim="C103",
        trial=Trial(
            model="localised-prostate", assay="a45-b-b3", days=(0.0,), years=5.0,
            regimens=("androgen-deprivation",),
        ),
        cells=(Cell(row="t2-18-dfs-post", visit=0, endpoint="distant_relapse"),),
        note="the marrow was taken before the treatment, not after, and the endpoint is PSA "
        "progression: played as distant relapse",
        wrong=True,
    ),
    Entry(
        claim="C104",
        trial=Trial(
            model="localised-prostate", assay="ae1-ae3", days=(0.0,), years=7.0,
            regimens=("androgen-deprivation",),
        ),
        cells=(
            Cell(row="t2-19-os-pre", visit=0, endpoint="death", assay="cellsearch"),
            Cell(row="t2-19-dfs-pre", visit=0, endpoint="disease_free", assay="cellsearch"),
            Cell(row="t2-20-os-post", visit=0, endpoint="death"),
            Cell(row="t2-20-dfs-post", visit=0, endpoint="disease_free"),
        ),
        note="the same 60 men were sampled once for both: the columns slipped",
    ),
    Entry(
        claim="C105",
        trial=_RECTAL,
        cells=(
            Cell(row="t2-21-os-post", visit=0, endpoint="death"),
            Cell(row="t2-21-dfs-post", visit=0, endpoint="disease_free"),
            Cell(row="t2-22-os-post", visit=0, endpoint="death", assay="ck20-rt-pcr"),
            Cell(row="t2-22-dfs-post", visit=0, endpoint="disease_free", assay="ck20-rt-pcr"),
        ),
        note="the p-values belong to the 24 and 25 treated patients, not to 103 and 117",
        wrong=True,
    ),
)  # fmt: skip


def check_entry(world: World, entry: Entry, samples: str) -> Outcome:
    """Return whether every printed p-value is one that the virtual trials give.

    Contradicted if, over the cells, the smallest chance times their number is below 5 %.
    """
    held = [hold(world, entry.trial, cell, samples) for cell in entry.cells]
    least = min(held, key=lambda each: each.tail)
    chance = min(1.0, least.tail * len(held))
    improbable = chance < _LEVEL
    against = [_SOURCE] * entry.wrong + ["our model"] * improbable
    said = "; ".join(each.words() for each in held)
    years = f"follow-up {entry.trial.years:g} years, assumed"
    return Outcome(
        verdict=CONTRADICTED if against else REPRODUCED,
        figure=f"chance of the least probable cell, times {len(held)}: {chance:.2g}. {said}. "
        f"{years}" + (f"; {entry.note}" if entry.note else ""),
        value=chance,
        against=" and ".join(against),
    )


_WORDS = {
    SWAPPED: "samples are handed to the wrong patients",
    ORACLE: "the sample tells who will have the event",
}


def _check(entry: Entry) -> Check:
    return Check(
        claim=entry.claim,
        run=lambda world: check_entry(world, entry, TRUE),
        perturbation=_WORDS[entry.control],
        perturbed=lambda world: check_entry(world, entry, entry.control),
    )


CHECKS: tuple[Check, ...] = tuple(_check(entry) for entry in ENTRIES)
