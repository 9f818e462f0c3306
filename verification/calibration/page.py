"""The page on the calibration, with every number simulated anew."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marrowtrace.catalog import Calibration, Target, calibration, description, targets
from verification.calibration.arms import PURGE_LOG_KILL, intervention_ratios
from verification.calibration.fit import cohort, wanted
from verification.calibration.inheritors import inheritors
from verification.calibration.outputs import Cohort, fitted_outputs, further_outputs
from verification.calibration.reasons import CONTRADICTIONS, REASONS
from verification.calibration.replication import with_errors
from verification.calibration.rows import HELD_OUT, SECTIONS, Row
from verification.calibration.spread import FLOOR, RATIO, spread

PAGE = Path(__file__).parents[2] / "docs" / "calibration.md"
STRUCTURES = ("early-breast", "early-breast-reservoir")
SAME = 6.0
"""Difference in loss that is no evidence: a likelihood ratio of 20."""
BEFORE = (19.5, 22.5)
"""Loss of the values that the last fit began with, under the present laboratory."""
Found = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Simulated:
    """One structure: its calibration, its outputs with errors, and its interventions."""

    name: str
    fit: Calibration
    found: Found
    ratios: Mapping[str, Mapping[str, tuple[float, float]]]

    @property
    def z(self) -> dict[str, float]:
        """Distances from the targets in use."""
        return {t.name: distance(self.found[t.name][0], t) for t in wanted()}

    @property
    def loss(self) -> float:
        """Sum of the squared distances."""
        return sum(z * z for z in self.z.values())


def distance(value: float, target: Target) -> float:
    """Return ln(value / target) in its sd."""
    return math.log(value / target.value) / spread(target)[0]


def simulated(name: str, patients: int, seed: int, workers: int) -> Simulated:
    """Simulate one structure on fresh patients."""

    def outputs(made: Cohort) -> dict[str, float]:
        return fitted_outputs(made) | further_outputs(made)

    made = cohort(name, None, patients, seed, workers)
    ratios = intervention_ratios(name, made.history, workers)
    found = with_errors(made, outputs)
    found["rr_chemotherapy"] = ratios["chemotherapy"]["any"]
    for label in ("any", "bone"):
        found[f"zoledronate {label}"] = ratios["zoledronate"][label]
    return Simulated(name, calibration(description(name).calibration), found, ratios)


def page(patients: int, seed: int, workers: int) -> str:
    """Return the page as Markdown."""
    both = [simulated(name, patients, seed, workers) for name in STRUCTURES]
    parts = [
        head(both, patients, seed),
        outputs_table(both),
        held_out(both),
        structures(both),
        knowledge(both),
        standing(both),
        inherited(patients, seed, workers),
    ]
    return "\n".join(parts)


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    heads = list(heads)
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def number(value: float) -> str:
    """Return a number with three digits, plain."""
    if value >= 1000:
        return f"{float(f'{value:.2g}'):,.0f}"
    digits = 3 if value < 1 else 2 if value < 10 else 1
    return f"{value:.{digits}f}" if value >= 0.01 else f"{value:.4f}"


def pair(found: tuple[float, float]) -> str:
    """Return a value with its error."""
    value, error = found
    if value >= 1000:
        return f"{number(value)} ± {float(f'{error:.1g}'):,.0f}"
    digits = 4 if value < 0.01 else 3 if value < 1 else 2
    while digits < 5 and error < 0.5 * 10**-digits:
        digits += 1
    return f"{number(value)} ± {error:.{digits}f}"


def published(row: Row, target: Target | None) -> str:
    """Return the figure a row is held against."""
    if target is None:
        return row.published or "-"
    text = number(target.value)
    if target.ci_low is not None and target.ci_high is not None:
        text += f" ({target.ci_low:g} to {target.ci_high:g})"
    return text + (" *" if not target.verified else "") + ("" if target.used else " (held out)")


def head(both: list[Simulated], patients: int, seed: int) -> str:
    """Return the first section."""
    first = both[0].fit
    lines = [
        "# Calibration\n",
        "How the values of `early-breast` and `early-breast-reservoir` were fitted, how well the "
        "model then agrees with what is published, and what the published figures leave open. "
        f"Written by `python -m verification.calibration page`: {patients:,} fresh patients of "
        f"seed {seed} for each structure, each simulated with and without endocrine therapy.\n",
        "## How it was fitted\n",
        f"The loss is the sum of squared distances from {first.target_count} published figures "
        "(`marrowtrace catalog show early-breast --targets`, those marked as used), each on the "
        "log scale in units of its own sd, plus a normal prior around the values of the first fit. "
        f"Free are {len(first.free)} directions, all of them mechanisms: rates of shedding, "
        "lodging, loss, awakening, egress, establishment and escape, spreads between patients, and "
        "the effects of endocrine therapy with tolerance, acquired resistance and adherence. No "
        "outcome is adjusted. The optimiser is trust-region least squares with common random "
        "numbers. The laboratory is that of the study `early-breast`: the assays `cellsearch`, "
        "`cellsearch-23ml` and `a45-b-b3`, whose detection falls as cells lose EpCAM and "
        "cytokeratin, on each patient's own mixture of phenotypes at each visit, clusters counted "
        "once. What it sees is integrated over its law and not drawn, so the only noise is that of "
        "the patients' lives; the scatter between readers is left out, which moves no share by "
        "more than 0.002.\n",
        "The sd of a figure was set before the fit, by rule: from its 95 % interval in print, "
        "else from its counts, at least 0.08 (0.15 for a hazard ratio) for what no interval holds "
        "(other patients, assays, endpoints); half as much again for a figure that is remembered; "
        "wider where the source is weak. Each is in the calibration file with its reason.\n",
        "Both structures were first fitted from three starts each (the first fit and two points "
        "drawn from the prior; 12,000 patients, refined on 40,000) with one detection for all "
        "cells. With the study's laboratory the loss of those values was "
        f"{BEFORE[0]:.1f} and {BEFORE[1]:.1f} (fresh seed of the fit), with 8 and 11 from "
        "23 mL of blood: cells that have left the marrow are mostly mesenchymal. "
        "From there both were fitted again:\n",
        "```\npython -m verification.calibration fit NAME OUT.toml --start VALUES.toml --steps 3 "
        "--refined 30000 --refining-steps 2 --jacobian 16000\n```\n",
    ]
    rows = []
    for each in both:
        fit = each.fit
        old = calibration(each.name)
        inside = sum(abs(z) <= 2 for z in each.z.values())
        rows.append(
            (
                f"`{each.name}`", f"`{fit.name}`", f"{fit.loss:.1f}", f"{fit.loss_prior:.1f}",
                f"{fit.loss_fresh_seed:.1f}", f"{each.loss:.1f}", f"{inside} of {len(each.z)}",
                ", ".join(f"{before:.0f} to {after:.1f}" for before, after in fit.starts),
                f"`{old.name}`",
            )
        )  # fmt: skip
    heads = (
        "set", "calibration", "loss", "prior", "loss, fresh seed of the fit", "loss, this page",
        "within 2 sd", "starts (loss with prior; last: refined)", "earlier fit",
    )  # fmt: skip
    narrow = " and ".join(f"{sum(z * z for z in narrow_z(each)):.0f}" for each in both)
    lines_after = [
        f"With an sd of {FLOOR} for every share and ratio and of {RATIO} for every hazard ratio, "
        "whatever stands behind the figure, the loss of these values would be "
        f"{narrow} (`early-breast`, `early-breast-reservoir`), most of it from CTCs at 60 months "
        "and their hazard ratio, from 5 CTCs at diagnosis and from persistence.\n"
    ]
    return "\n".join([*lines, table(heads, rows), *lines_after])


def narrow_z(each: Simulated) -> list[float]:
    """Return the distances on the sd that no figure's own uncertainty widens."""
    out = []
    for target in wanted():
        sd = RATIO if target.quantity == "hazard ratio" else FLOOR
        if target.ci_low and target.ci_high:
            sd = spread(target)[0]
        out.append(math.log(each.found[target.name][0] / target.value) / sd)
    return out


def outputs_table(both: list[Simulated]) -> str:
    """Return every output beside what is published and what the prototype gave."""
    lines = [
        "## What the model gives\n",
        "The prototype is the first program for this model, with fixed steps of 15 days, on 60,000 "
        "patients with the first fit. ± is the Monte Carlo standard error; z is the distance from "
        "the published figure in its sd, and `inside` says whether it is at most 2. An asterisk "
        "marks a figure that is remembered.\n",
    ]
    known = {target.name: target for target in targets("early-breast")}
    for title, rows in SECTIONS:
        lines.append(f"### {title}\n")
        body = []
        for row in rows:
            target = known.get(row.name)
            cells = [row.label, published(row, target)]
            cells.append("-" if target is None else f"{spread(target)[0]:.2f}")
            cells.append("-" if row.prototype is None else number(row.prototype))
            for each in both:
                value = each.found[row.name]
                cells.append(pair(value))
                if target is not None:
                    z = distance(value[0], target)
                    cells.append(f"{z:+.1f} {'inside' if abs(z) <= 2 else '**outside**'}")
                elif row.low is not None and row.high is not None:
                    held = row.low <= value[0] <= row.high
                    cells.append("inside" if held else "**outside**")
                else:
                    cells.append("-")
            body.append(cells)
        heads = (
            "quantity", "published", "sd of log", "prototype", "early-breast", "z",
            "early-breast-reservoir", "z",
        )  # fmt: skip
        lines.append(table(heads, body))
    return "\n".join(lines)


def held_out(both: list[Simulated]) -> str:
    """Return the figures that no fit used."""
    rows = []
    left = []
    for target in targets("early-breast"):
        if target.used:
            continue
        if target.name not in HELD_OUT:
            left.append(f"`{target.name}`")
            continue
        cells = [f"`{target.name}`", target.meaning, published(Row("", ""), target)]
        for each in both:
            value = each.found[HELD_OUT[target.name]]
            cells += [pair(value), f"{distance(value[0], target):+.1f}"]
        rows.append([cell.replace(" (held out)", "") for cell in cells])
    heads = (
        "figure", "meaning", "published", "early-breast", "z", "early-breast-reservoir", "z",
    )  # fmt: skip
    return "\n".join(
        [
            "## Held out\n",
            "These figures were never used. The hazards of colleoni2016 count every recurrence, "
            "local ones included, in trials of an earlier time; the model's are distant relapses "
            "under today's therapies. Bisphosphonates are simulated as zoledronate for two years "
            "in every patient.\n",
            table(heads, rows),
            f"Not simulated here: {', '.join(left)}.\n",
        ]
    )


def structures(both: list[Simulated]) -> str:
    """Return what tells the two structures apart."""
    one, two = both
    gap = one.loss - two.loss
    rows = [
        ["loss over the targets, fresh patients", "-", f"{one.loss:.1f}", f"{two.loss:.1f}"],
    ]
    for label, name in (
        ("bone", "hr_dtc_first_relapse_bone"),
        ("viscera", "hr_dtc_first_relapse_viscera"),
    ):
        heading = f"hazard ratio of DTCs at diagnosis for first relapse in {label}"
        rows.append([heading, "-", *(pair(each.found[name]) for each in both)])
    print_ = {"any": "0.94 (0.87 to 1.01)", "bone": "0.83 (0.73 to 0.94)", "viscera": "-"}
    for arm, words in (
        ("zoledronate", "zoledronate for 2 years"),
        ("purge", f"purge of the marrow on day 30 (10^-{PURGE_LOG_KILL:g} survive)"),
    ):
        for site in ("any", "bone", "viscera"):
            shown = print_[site] if arm == "zoledronate" else "-"
            values = [pair(each.ratios[arm][site]) for each in both]
            rows.append([f"{words}: rate ratio of relapse, {site}, years 0 to 9", shown, *values])
    purge = [each.ratios["purge"]["viscera"] for each in both]
    apart = (purge[0][0] - purge[1][0]) / math.hypot(purge[0][1], purge[1][1])
    return "\n".join(
        [
            "## Two structures, one set of targets\n",
            "In `early-breast` visceral lesions come mostly from direct seeding, in "
            "`early-breast-reservoir` all of them by way of the marrow.\n",
            table(("quantity", "published", "early-breast", "early-breast-reservoir"), rows),
            f"The structures differ by {abs(gap):.1f} in loss, with as many free directions each: "
            f"prognosis {'does not tell' if abs(gap) < SAME else 'tells'} them apart. A purge "
            "confined to the marrow does. Its rate ratio of visceral relapse is "
            f"{purge[0][0]:.2f} against {purge[1][0]:.2f}, {apart:.0f} Monte Carlo errors apart. "
            "A bisphosphonate's effect on relapse outside bone would tell too, if it acted only in "
            "the marrow, which is not known; its effects here are assumed "
            "(`bisphosphonate_awakening_factor`, `bisphosphonate_marrow_loss_rate`), not fitted. "
            "As simulated, relapse anywhere lies at "
            f"{one.ratios['zoledronate']['any'][0]:.2f} and "
            f"{two.ratios['zoledronate']['any'][0]:.2f} against 0.94 (0.87 to 1.01) in "
            "ebctcg2015.\n",
        ]
    )


def knowledge(both: list[Simulated]) -> str:
    """Return what the targets inform."""
    lines = [
        "## What the targets inform\n",
        "From the derivatives of the distances by each direction at the fit (central differences, "
        "linear theory). A singular value above 1 is a direction of which the targets say more "
        "than the prior. The second table has the sd left of each prior: below 0.6 is well "
        "informed, 0.9 and more not at all. What is not informed is the prior, whatever the fit "
        "says; show this with every prediction.\n",
    ]
    rows = []
    for each in both:
        values = np.array(each.fit.singular_values)
        shown = ", ".join(f"{value:.2g}" for value in values)
        rows.append((f"`{each.name}`", f"{(values > 1).sum()} of {len(each.fit.free)}", shown))
    lines.append(table(("set", "informed", "singular values"), rows))
    names = list(dict.fromkeys(name for each in both for name in each.fit.free))
    body = []
    for name in names:
        cells = [f"`{name}`"]
        for each in both:
            free = each.fit.free.get(name)
            if free is None:
                cells += ["-", "-", "-", "-"]
            else:
                cells += [
                    f"{free.start:.3g}", f"{free.final:.3g}", f"{free.shift:+.1f}",
                    f"{free.posterior:.2f}",
                ]  # fmt: skip
        body.append(cells)
    heads = (
        "direction", "early-breast: first fit", "now", "moved by (prior sd)", "sd left",
        "early-breast-reservoir: first fit", "now", "moved by", "sd left",
    )  # fmt: skip
    lines.append(table(heads, body))
    return "\n".join(lines)


def standing(both: list[Simulated]) -> str:
    """Return the figures that the model does not meet."""
    lines = [
        "## Contradictions left standing\n",
        "What the model meets badly, or meets only because the figure is uncertain, and why. "
        "Nothing was added to the model to remove them.\n",
    ]
    known = {target.name: target for target in wanted()}
    for name, why in REASONS.items():
        z = [each.z[name] for each in both]
        values = " and ".join(number(each.found[name][0]) for each in both)
        target = known[name]
        lines.append(
            f"- **{target.meaning}**: published {number(target.value)}, model {values} "
            f"(z {z[0]:+.1f}, {z[1]:+.1f}). {why}"
        )
    held = {target.name: target for target in targets("early-breast")}
    for name, why in CONTRADICTIONS.items():
        target = held[name]
        gives = [each.found[HELD_OUT[name]][0] for each in both]
        z = [distance(value, target) for value in gives]
        lines.append(
            f"- **{target.meaning}** (held out): published {number(target.value)}, model "
            f"{' and '.join(map(number, gives))} (z {z[0]:+.1f}, {z[1]:+.1f}). {why}"
        )
    return "\n".join([*lines, ""])


def inherited(patients: int, seed: int, workers: int) -> str:
    """Return what the sets of other cancers give for the figures set by hand."""
    rows = [
        (f"`{name}`", label, "-" if math.isnan(wanted_) else number(wanted_), pair((value, error)))
        for name, label, wanted_, value, error in inheritors(patients, seed, workers)
    ]
    return "\n".join(
        [
            "## Sets that inherit\n",
            "`metastatic-breast` and `neoadjuvant-breast` have the fitted values as they are. Sets "
            "of other cancers carry them over as assumptions; those with values of their own set "
            "by hand to a figure give now:\n",
            table(("set", "figure", "published", "model"), rows),
        ]
    )
