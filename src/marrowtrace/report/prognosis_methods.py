"""What exactly was done in a prognosis, in sentences, made from the result itself."""

from __future__ import annotations

from marrowtrace.survival.prognosis import Prognosis
from marrowtrace.units import DAYS_PER_YEAR


def methods(result: Prognosis, *, seed: int) -> list[str]:
    """Return the paragraphs of the methods section.

    Parameters
    ----------
    result : Prognosis
    seed : int
        Of the random numbers for cross-validation, bootstrap and permutations.
    """
    return [
        _who(result),
        _marker_values(result),
        _models(result),
        _predictions(result, seed),
        _extras(result),
    ]


def papers(result: Prognosis) -> list[str]:
    """Return the keys of the papers whose methods were used."""
    keys = ["kaplan1958", "cox1972", "efron1977", "mcshane2005", "schemper1996", "grambsch1994",
            "mantel1966"]  # fmt: skip
    if result.found.landmark > 0:
        keys.append("anderson1983")
    if result.found.competing:
        keys += ["aalen1978", "fine1999", "gray1988", "benichou1990"]
    if result.series:
        keys.append("vanhouwelingen2007")
    for marker in result.markers:
        used = {
            "blanche2013": marker.auc, "graf1999": marker.brier, "uno2011": marker.concordance,
            "vickers2006": marker.decision, "vanhouwelingen2000": marker.calibration,
            "harrell1996": marker.added, "noma2021": marker.added, "lausen1992": marker.cut,
            "faraggi1996": marker.cut, "altman1994": marker.cut, "royston2013": marker.gain,
        }  # fmt: skip
        keys += [key for key, part in used.items() if part is not None]
        if any(fit.penalised for fit in marker.models.values()):
            keys += ["firth1993", "heinze2001"]
    return list(dict.fromkeys(keys))


def _who(result: Prognosis) -> str:
    found, endpoint = result.found, result.found.endpoint.replace("_", " ")
    start = (
        f"Day 0 is {result.index_event.replace('_', ' ')}. The endpoint is {endpoint}, in days "
        "from day 0."
    )
    if found.landmark > 0:
        return (
            f"{start} The analysis is a landmark analysis at day {found.landmark:g}: only the "
            f"{found.frame.height} patients then under observation and free of the event enter it, "
            "each marker is the last value taken on or before that day, values of a later day are "
            "not used, and time is counted from that day. Earlier events are left out, since a "
            "patient must live without the event long enough to be measured; to use such a marker "
            "from day 0 on would count that time in its favour (immortal time)."
        )
    return (
        f"{start} The analysis starts at day {found.landmark:g} with the {found.frame.height} "
        "patients then under observation and free of the event, and uses only marker values taken "
        "on or before that day."
    )


def _marker_values(result: Prognosis) -> str:
    parts = [f"{m.term.text} ({m.term.scale})" for m in result.markers]
    ages = result.found.ages
    old = "; ".join(
        f"{row['marker']} median {row['median_days']:.0f}, at most {row['longest_days']:.0f} days"
        for row in ages.iter_rows(named=True)
    )
    return (
        f"Markers and what a hazard ratio compares: {'; '.join(parts)}. Age of the values at the "
        f"start: {old}. Patients without a value are left out of that marker's analysis, and "
        "those without a clinical variable out of the adjusted one; nothing was imputed."
    )


def _models(result: Prognosis) -> str:
    level = f"{result.settings.level:.0%}"
    text = (
        "Curves are Kaplan-Meier estimates with log-log intervals, groups compared by the log-rank "
        "test. Hazard ratios are from Cox models, ties by Efron's method, Wald intervals "
        f"({level}); where a group has no event, Firth's penalised likelihood with profile "
        "intervals. Proportional hazards were tested by scaled Schoenfeld residuals against the "
        "Kaplan-Meier transform of time."
    )
    if result.found.competing:
        text += (
            " Competing events end the time at risk, so these hazard ratios and the log-rank test "
            "are cause-specific, and the Kaplan-Meier curves are of being free of every kind of "
            "event. Beside them stand Aalen-Johansen cumulative incidences with Gray's test, and "
            "Fine-Gray models of the subdistribution hazard."
        )
    if result.found.covariates:
        text += f" Adjusted models hold the marker and {', '.join(result.found.covariates)}, all "
        text += "kept whether significant or not."
    return text


def _predictions(result: Prognosis, seed: int) -> str:
    years = result.settings.horizon / DAYS_PER_YEAR
    cuts = ", ".join(f"{cut:g}" for cut in result.settings.thresholds)
    probability = (
        "cause-specific Cox models of the event and of competing ones together"
        if result.found.competing
        else "a Cox model"
    )
    return (
        f"Predictions are judged {years:.3g} years after the start. The area under the ROC curve "
        "(cumulative cases, dynamic controls) and Uno's concordance judge the marker itself. Brier "
        "score, calibration and net benefit judge the probability from "
        f"{probability}, each patient predicted by a model fitted to the other nine tenths "
        "(10-fold cross-validation). Patients censored before are represented by inverse "
        "probability of censoring weights (Kaplan-Meier), and errors count their estimation in; "
        "they take the predictions as given. Net benefit is reported at the risks "
        f"{cuts}. Random numbers come from seed {seed}."
    )


def _extras(result: Prognosis) -> str:
    parts = []
    added = next((m.added for m in result.markers if m.added is not None), None)
    if added is not None:
        parts.append(
            "Added value compares models with and without the marker by the likelihood ratio test "
            f"and by the change of area, Brier score and net benefit, less the optimism of "
            f"{added.replicates} bootstrap samples in which both models were fitted anew, with "
            "location-shifted percentile intervals."
        )
    cut = next((m.cut for m in result.markers if m.cut is not None), None)
    if cut is not None:
        parts.append(
            "Cut-points were sought as the largest standardised log-rank statistic with at least "
            f"a tenth of the patients on either side; p-values are corrected by "
            f"{cut.permutations} permutations, and the hazard ratio is cross-validated in "
            f"{cut.folds} parts."
        )
    if result.series:
        days = ", ".join(f"{d:g}" for d in result.series[0].ratios["landmark"])
        parts.append(
            f"Landmarks on days {days} were analysed each on its own and stacked into one model "
            "with a baseline hazard for each landmark, coefficients linear in the landmark and "
            "the sandwich variance by patient; follow-up is cut at the horizon after each."
        )
    return " ".join(parts)
