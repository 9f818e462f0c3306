"""The page of the suite, written from the kept results."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

from tests.goodness_of_fit import ALPHA, holm_rejections

from verification.cases import cases
from verification.results import kept

PAGE = Path(__file__).parent / "README.md"
HEAD = """# The fast engine against its slow twin

Written by `python -m verification`; the numbers behind it are in `results/`. Each system is small
enough to be run event by event by `marrowtrace.simulation.exact`, a second program for the model
of `docs/model.md`, and by the fast engine. Compared are, at each visit, the cells in each place,
in the blood, by phenotype and by receptor, and the lesions; the lesions by place and origin, what
became of them, their receptors, and the days on which they were seeded, awakened, escaped, were
detected and ended; the subclones that therapy leaves; relapse and death with their times and
causes; and what rules decided.

A count is compared twice: its mean, after what the patients' traits explain has been taken out of
both sides, and its whole law (chi-square against the engine's mixture of Poisson laws in about ten
cells). Times are compared by Kolmogorov and Smirnov's test. Lesions of one patient are alike, so
that what distinguishes lesions is compared for one lesion a patient.
"""

KNOWN = """
## What the twin found

The twin led to these corrections of the engine, all of which the table above now covers: lesions
that die out under cytocidal therapy end on the day their last cell dies, not at the next edge of a
therapy; each agent draws its own patients; a primary brought below one cell stays gone; resistant
subclones also arise where a lesion awakens or escapes during a therapy. Neither return to dormancy
nor dynamic immunity is in the twin yet: the tests hold them against their laws.

With 2,000 patients of the twin one difference shows: the day on which small lesions end under
cycles of chemotherapy. Most likely a clone without surviving lines ends at the cycle in the engine,
and only when its last cell dies in the twin; this has not been shown. No relapse, burden or count
of lesions at a visit differs.
"""


def page() -> str:
    """Return the page in Markdown."""
    parts = [HEAD, *_systems(kept("systems")), KNOWN, *_power(kept("power"))]
    parts += _convergence(kept("convergence"))
    return "\n".join(parts).rstrip() + "\n"


def _table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def _p(value: float) -> str:
    return "< 1e-300" if value == 0.0 else f"{value:.2g}"


# ---- systems -----------------------------------------------------------------------------------
def _systems(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return []
    systems = {name: found["systems"][name] for name in cases() if name in found["systems"]}
    family = {f"{s}: {key}": p for s, row in systems.items() for key, p in row["pvalues"].items()}
    level = ALPHA / len(family)
    failing = holm_rejections(family)
    blind = [s for s, row in systems.items() if min(fresh(row, level).values()) > level]
    alone = [s for s, row in systems.items() if holm_rejections(row["pvalues"])]
    missing = [name for name in cases() if name not in systems]
    rows = []
    for name, row in systems.items():
        worst = min(row["pvalues"], key=row["pvalues"].get)
        changed = fresh(row, level)
        seen = min(changed, key=lambda key: changed[key])
        noticed = sum(p <= level for p in changed.values())
        rows.append(
            [
                name,
                f"{len(row['pvalues'])}",
                f"{worst}: {_p(row['pvalues'][worst])}",
                ", ".join(holm_rejections(row["pvalues"])) or "none",
                row["change"],
                f"{seen}: {_p(changed[seen])}",
                f"{noticed}",
            ]
        )
    twins = Counter(row["twins"] for row in systems.values())
    patients = Counter(row["patients"] for row in systems.values())
    seconds = sum(row["seconds_of_twin"] for row in systems.values())
    count = ", ".join(f"{n:,}" for n in twins)
    many = ", ".join(f"{n:,}" for n in patients)
    small = sum(p < 0.01 for p in family.values()) / len(family)
    text = [
        "\n## Systems\n",
        f"Version {found['version']}, {count} patients of the twin and {many} of the engine for "
        f"each system, {seconds:,.0f} s of the twin. Each system has a seed of its own, made from "
        f"the master seed {found['master']} and its name before anything was run; none was "
        "replaced.\n",
        f"**Holm over everything.** All {len(family):,} p-values of the run are one family. At "
        f"{ALPHA:g} Holm's procedure rejects {_words(failing)}; the first step of it asks for a p "
        f"below {level:.1g}. A correct engine would fail once in a thousand such runs at most, "
        "whatever the dependence between comparisons, of which there is much: the mean and the law "
        "of one count, one place at three visits, and cells by place and by phenotype are of the "
        "same patients. So Holm is conservative here, and the family says less than its number "
        f"suggests. {100.0 * small:.1f} % of the p-values are below 0.01. Judged system by system, "
        f"each at {ALPHA:g}, {_words(alone, 'system', 'systems')} would fail: of "
        f"{len(systems)} correct systems one would do so in {1.0 / (ALPHA * len(systems)):.0f} "
        "runs. A chi-square or normal p-value this far in the tail is itself approximate, by a "
        "factor of a few; cells of a chi-square expect at least 25 patients, and totals below "
        "1,000 are judged by a negative binomial law, for that reason.\n",
        "**That a comparison can fail.** The last three columns: the engine ran with one number "
        "changed and the twin as it was; then the smallest p, and how many comparisons are below "
        "the level of the whole family; those that fail already are left out. "
        f"{_unnoticed(blind)}\n",
    ]
    if missing:
        text.append(f"Not run: {', '.join(missing)}.\n")
    head = ("system", "comparisons", "smallest p", "fails (own family)", "changed in the engine")
    text.append(_table((*head, "smallest p", "noticed by"), rows))
    return text


def fresh(row: dict[str, Any], level: float) -> dict[str, float]:
    """Return the p-values under the change, without the comparisons that fail before it."""
    bad = {*holm_rejections(row["pvalues"]), *(k for k, p in row["pvalues"].items() if p <= level)}
    return {key: p for key, p in row["changed"].items() if key not in bad} or {"none": 1.0}


def _words(names: list[str], one: str = "comparison", more: str = "comparisons") -> str:
    if not names:
        return f"no {one}"
    return f"{len(names)} {one if len(names) == 1 else more} ({'; '.join(names)})"


def _unnoticed(blind: list[str]) -> str:
    if not blind:
        return "Every change was noticed."
    return f"The change went unnoticed in: {', '.join(blind)}."


# ---- power -------------------------------------------------------------------------------------
def _power(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return []
    rows = [
        [row["rate"], row["system"], *(_twins(n) for n in row["twins"]), row["by"]]
        for row in found["rows"]
        if len(row["twins"]) > 1
    ]
    changes = [
        [row["system"], row["rate"], _twins(row["twins"][0]), row["by"]]
        for row in found["rows"]
        if len(row["twins"]) == 1
    ]
    head = tuple(f"{100.0 * (x - 1.0):.0f} % too high" for x in found["factors"])
    return [
        "\n## Power\n",
        "Patients of the twin that notice, with probability 0.9, that one rate of the engine is "
        f"wrong, at the level {found['level']:.1g} of one comparison among "
        f"{found['comparisons']:,}, and the comparison that notices the last column's error first. "
        "They follow from the laws themselves, engine against engine with the rate changed "
        f"({found['patients']:,} patients), not from runs of the twin. A rate that needs more than "
        "the suite has could be wrong by so much without being noticed there.\n",
        _table(("rate", "system", *head, "by"), rows),
        "The change that each system is shown to notice, or not, in the first table needs:\n",
        _table(("system", "changed in the engine", "twins", "by"), changes),
    ]


def _twins(number: float) -> str:
    if not math.isfinite(number) or number > 20_000:
        return "> 20,000"
    digits = max(0, math.floor(math.log10(max(number, 1.0))) - 1)
    return f"{math.ceil(number / 10**digits) * 10**digits:,}"


# ---- convergence -------------------------------------------------------------------------------
def _convergence(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return []
    step, places = found["steps"], ("perivascular", "endosteal", "visceral", "visceral_via_marrow")
    rows = [
        [
            row["dormancy"],
            f"{row['step']:g}",
            *(f"{100.0 * row['errors'][place]:.2g} %" for place in places),
            f"{100.0 * row['relapse']:.2g} %",
            f"{row['microseconds']:.0f}",
        ]
        for row in step["rows"]
    ]
    quadrature = [
        [
            row["dormancy"],
            f"{row['step']:g}",
            *(f"{100.0 * x:.2g} %" for x in row["errors"].values()),
        ]
        for row in found["quadrature"]
    ]
    niches = [
        [
            f"{row['sites']:.0f}",
            row["place"],
            f"{row['day']:.0f}",
            f"{row['twins']}",
            f"{100.0 * row['filled']:.0f} %",
            f"{100.0 * row['bias']:+.2f} % ({100.0 * row['error']:.2f})",
            f"{row['variance_twin']:.2f}",
            f"{row['variance_engine']:.2f}",
        ]
        for row in found["niches"]["rows"]
    ]
    return [
        "\n## Convergence in the step\n",
        "`step` is the largest change of the log size of anything that sheds within one step of "
        f"the engine. `early-breast`, {step['patients']:,} patients, the same at every step: the "
        "relative error that nine of ten burdens (patients and visits) do not exceed, against a "
        f"step of {step['finest']:g}, the difference in the share with a distant relapse, and "
        "processor time. (Means say less here: another step lets some cell be shed elsewhere, and "
        "one patient with another large metastasis moves the mean of hundreds.) The default is "
        "0.5.\n",
        _table(("waiting law", "step", *places, "relapse", "µs a patient"), rows),
        "Against quadrature (patients alike, no therapy, no shedding by lesions; the largest "
        "relative error over two visits):\n",
        _table(("waiting law", "step", *places[:3]), quadrature),
        "\n## Nearly full niches\n",
        "The engine uses the mean of the cells in a niche of K sites where the definition has "
        "their number. The bias of its mean count, with the standard error of the comparison, and "
        "the variance of the counts over their mean on both sides (patients differ a little; a "
        f"niche that fills is less than Poisson). {found['niches']['patients']:,} patients of the "
        "engine.\n",
        _table(
            (
                "sites K",
                "niche",
                "day",
                "twins",
                "filled",
                "bias of the mean (error)",
                "variance / mean, twin",
                "engine",
            ),
            niches,
        ),
    ]
