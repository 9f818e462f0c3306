"""What can be wrong with a protocol as a whole: names that lead nowhere, days out of reach."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from marrowtrace.errors import CitationError, MarrowtraceError, ProblemList, did_you_mean
from marrowtrace.study.endpoint import CLOCKS, ENDPOINTS
from marrowtrace.study.published import STATISTICS, Comparison, Marker, Statistic, Subgroup

if TYPE_CHECKING:
    from marrowtrace.study.arm import RegimenUse
    from marrowtrace.study.protocol import Protocol

_AFTER_METASTASES = ("death", "cancer_death")
_NEEDS = {
    "positivity": ("marker",),
    "positivity_ratio": ("marker",),
    "persistence": ("marker", "before"),
    "share": ("column", "equals"),
    "cumulative_incidence": ("endpoint", "day"),
    "kaplan_meier": ("endpoint", "day"),
    "rate": ("endpoint", "from_day", "day"),
    "rate_ratio": ("endpoint", "from_day", "day"),
    "hazard_ratio": ("endpoint",),
}


def check(protocol: Protocol, problems: ProblemList) -> None:
    """Add everything that is wrong with ``protocol`` to ``problems``."""
    known = _check_cancer(protocol, problems)
    _check_names(protocol, problems)
    _check_visits(protocol, problems, known)
    _check_assays(protocol, problems)
    _check_endpoints(protocol, problems, known)
    _check_times(protocol, problems)
    _check_arms(protocol, problems, known)
    _check_analyses(protocol, problems)
    for position, comparison in enumerate(protocol.published):
        _check_comparison(protocol, f"published[{position}]", comparison, problems)


def _unknown(place: str, word: str, allowed: Sequence[str], problems: ProblemList) -> None:
    """Note a name that leads nowhere; an empty one was noted as missing before."""
    if word and word not in allowed:
        hint = did_you_mean(word, list(allowed))
        problems.add(place, f"is '{word}'; allowed: {', '.join(allowed) or 'none'}{hint}")


def _twice(place: str, names: Sequence[str], problems: ProblemList) -> None:
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.add(place, f"has '{name}' more than once; names must differ")


def _pass_on(place: str, err: MarrowtraceError, problems: ProblemList) -> None:
    """Note what another part found wrong, each problem of a list with its own place."""
    heading, *rest = str(err).split("\n")
    for line in rest:
        inner, _, message = line.strip().partition(": ")
        problems.add(f"{place}.{inner}", message)
    if not rest:
        problems.add(place, heading)


def _check_cancer(protocol: Protocol, problems: ProblemList) -> bool:
    """Check the parameter set and the overrides; return whether the set is known."""
    from marrowtrace.catalog import models_and_aliases, parameter_set

    if not protocol.cancer:
        return False
    if protocol.cancer not in models_and_aliases():
        _unknown("cancer", protocol.cancer, models_and_aliases(), problems)
        return False
    try:
        parameter_set(protocol.cancer).with_values(protocol.parameters)
    except MarrowtraceError as err:
        _pass_on("parameters", err, problems)
    return True


def _check_names(protocol: Protocol, problems: ProblemList) -> None:
    for what, names in (
        ("arms", [arm.name for arm in protocol.arms]),
        ("visits", [visit.name for visit in protocol.visits]),
        ("endpoints", [endpoint.name for endpoint in protocol.endpoints]),
    ):
        if not names:
            problems.add(what, f"is missing; give at least one table [[{what}]]")
        _twice(what, names, problems)
    _twice("published", [each.id for each in protocol.published], problems)


def _check_visits(protocol: Protocol, problems: ProblemList, known: bool) -> None:
    for position, visit in enumerate(protocol.visits):
        place = f"visits[{position}]"
        if not visit.assays:
            problems.add(f"{place}.assays", "is missing; give the assays of the visit's samples")
        if visit.clock == "surgery" and known and protocol.metastatic:
            problems.add(f"{place}.clock", "is 'surgery', but follow-up begins with metastases")
        if visit.clock == "relapse" and known and protocol.metastatic:
            problems.add(f"{place}.clock", "is 'relapse', but follow-up begins with metastases")
        for arm in protocol.arms:
            surgery = protocol.day_of_surgery(arm)
            if visit.clock == "surgery" and not math.isfinite(surgery):
                problems.add(
                    f"{place}.clock", f"is 'surgery', but arm '{arm.name}' has no day of surgery"
                )
            day = visit.day_in(surgery)
            if math.isfinite(day) and day > protocol.horizon:
                problems.add(
                    f"{place}.day",
                    f"is day {day:g}, after the horizon (day {protocol.horizon:g})",
                )
                break


def _check_assays(protocol: Protocol, problems: ProblemList) -> None:
    from marrowtrace.assays.draw import MOST_VISITS, same_draws
    from marrowtrace.study.observation import study_assay

    used = {assay for visit in protocol.visits for assay in visit.assays}
    for use in protocol.assays:
        try:
            study_assay(use)
        except MarrowtraceError as err:
            _pass_on(f"assays.{use.name}", err, problems)
        if use.name not in used:
            problems.add(f"assays.{use.name}", "is used by no visit; name it in one or take it out")
        if use.laboratories and not use.recovery_log_sd and not use.false_positive_log_sd:
            problems.add(
                f"assays.{use.name}.laboratories",
                "has no effect without recovery_log_sd or false_positive_log_sd",
            )
    named = [use.name for use in protocol.assays]
    for one, other in same_draws(named):
        problems.add(f"assays.{other}", f"would share its random numbers with '{one}'; rename one")
    if len(protocol.visits) > MOST_VISITS:
        problems.add("visits", f"has {len(protocol.visits)}; at most {MOST_VISITS}")
    for position, visit in enumerate(protocol.visits):
        _twice(f"visits[{position}].assays", list(visit.assays), problems)
        for assay in visit.assays:
            _unknown(f"visits[{position}].assays", assay, named, problems)


def _check_endpoints(protocol: Protocol, problems: ProblemList, known: bool) -> None:
    for position, endpoint in enumerate(protocol.endpoints):
        place = f"endpoints[{position}]"
        _unknown(f"{place}.name", endpoint.name, list(ENDPOINTS), problems)
        _unknown(f"{place}.clock", endpoint.clock, CLOCKS, problems)
        if endpoint.visit:
            _unknown(f"{place}.visit", endpoint.visit, _visits(protocol), problems)
            if endpoint.clock != "sampling":
                problems.add(f"{place}.visit", "is only for the clock 'sampling'")
        if known and protocol.metastatic and endpoint.name not in _AFTER_METASTASES:
            problems.add(
                f"{place}.name",
                f"is '{endpoint.name}', but follow-up begins with metastases; "
                f"allowed: {', '.join(_AFTER_METASTASES)}",
            )


def _check_times(protocol: Protocol, problems: ProblemList) -> None:
    if not 1 <= protocol.patients <= 10**9:
        problems.add("patients", f"is {protocol.patients}; give 1 to 1,000,000,000")
    if not 0 <= protocol.seed < 2**63:
        problems.add("seed", f"is {protocol.seed}; give a whole number from 0 to 2**63 - 1")
    if not protocol.horizon > 0.0:
        problems.add("horizon", f"is {protocol.horizon:g} days; give a time above 0")
    follow_up = protocol.follow_up
    if not follow_up.closes > follow_up.accrual:
        problems.add(
            "follow_up.closes",
            f"is day {follow_up.closes:g}, but patients enter until day {follow_up.accrual:g}; "
            "give a later one",
        )
    who = protocol.eligibility
    for low, high in (("age_from", "age_below"), ("diameter_above", "diameter_to")):
        least, most = getattr(who, low), getattr(who, high)
        if least is not None and most is not None and not least < most:
            problems.add(f"eligibility.{high}", f"is {most:g}, not above {low} = {least:g}")


def _check_arms(protocol: Protocol, problems: ProblemList, known: bool) -> None:
    from marrowtrace.catalog import description, models_and_aliases

    for position, arm in enumerate(protocol.arms):
        place = f"arms[{position}]"
        if not (math.isfinite(arm.share) and arm.share > 0.0):
            problems.add(f"{place}.share", f"is {arm.share:g}; give a number above 0")
        if arm.cancer:
            _unknown(f"{place}.cancer", arm.cancer, models_and_aliases(), problems)
            if arm.cancer in models_and_aliases() and known:
                entries = [description(n).entry for n in (arm.cancer, protocol.cancer)]
                if entries[0] != entries[1]:
                    problems.add(
                        f"{place}.cancer",
                        f"is '{arm.cancer}', where follow-up begins with {entries[0]}, "
                        f"but in '{protocol.cancer}' with {entries[1]}",
                    )
        count = len(problems)
        _check_rules(protocol, position, problems)
        if known and arm.cancer in ("", *models_and_aliases()):
            _check_therapies(protocol, position, problems)
            if len(problems) == count:
                _check_scenario(protocol, position, problems)


def _check_rules(protocol: Protocol, position: int, problems: ProblemList) -> None:
    for number, rule in enumerate(protocol.arms[position].rules):
        place = f"arms[{position}].rules[{number}]"
        _check_marker(protocol, place, Marker(rule.visit, rule.assay), problems)
        if rule.visit in _visits(protocol) and protocol.visit(rule.visit).clock == "relapse":
            problems.add(f"{place}.visit", "is a visit at relapse; a rule needs a planned day")
        if "start" in rule.regimen.timing:
            problems.add(f"{place}.regimen.start", "is not used: the visit and the delay give it")


def _check_therapies(protocol: Protocol, position: int, problems: ProblemList) -> None:
    """Check each regimen by itself, so that each problem has its place."""
    from marrowtrace.catalog import regimen_names
    from marrowtrace.simulation import AGENTS
    from marrowtrace.study.scenarios import arm_parameters, use_therapy

    arm = protocol.arms[position]
    place = f"arms[{position}]"
    try:
        parameters = arm_parameters(protocol, arm)
    except MarrowtraceError as err:
        if arm.parameters:
            _pass_on(f"{place}.parameters", err, problems)
        return
    surgery = protocol.day_of_surgery(arm)
    uses: list[tuple[str, RegimenUse, float | None]] = [
        (f"{place}.regimens[{k}]", use, None) for k, use in enumerate(arm.regimens)
    ]
    uses += [(f"{place}.rules[{k}].regimen", r.regimen, 0.0) for k, r in enumerate(arm.rules)]
    for where, use, start in uses:
        if not use.name:
            continue
        if use.agent:
            _unknown(f"{where}.agent", use.agent, AGENTS, problems)
            if use.agent not in AGENTS:
                continue
        elif use.name not in regimen_names():
            hint = did_you_mean(use.name, regimen_names())
            problems.add(
                where,
                f"is '{use.name}', which is not a regimen of the catalogue{hint} "
                "(marrowtrace catalog regimens); one of your own needs an 'agent'",
            )
            continue
        try:
            use_therapy(use, parameters, surgery, start=start)
        except MarrowtraceError as err:
            _pass_on(where, err, problems)


def _check_scenario(protocol: Protocol, position: int, problems: ProblemList) -> None:
    from marrowtrace.study.scenarios import arm_scenario

    try:
        arm_scenario(protocol, protocol.arms[position])
    except MarrowtraceError as err:
        _pass_on(f"arms[{position}]", err, problems)


def _visits(protocol: Protocol) -> list[str]:
    return [visit.name for visit in protocol.visits]


def _check_marker(protocol: Protocol, place: str, marker: Marker, problems: ProblemList) -> None:
    """Check that a visit has the assay that a marker names."""
    _unknown(f"{place}.visit", marker.visit, _visits(protocol), problems)
    if marker.visit in _visits(protocol):
        allowed = protocol.visit(marker.visit).assays
        if marker.assay and marker.assay not in allowed:
            hint = did_you_mean(marker.assay, list(allowed))
            problems.add(
                f"{place}.assay",
                f"is '{marker.assay}', which the visit '{marker.visit}' does not have; "
                f"allowed: {', '.join(allowed)}{hint}",
            )
    if marker.negative_below is not None and marker.negative_below > marker.threshold:
        problems.add(
            f"{place}.negative_below",
            f"is {marker.negative_below:g}, above the threshold {marker.threshold:g}",
        )


def _check_analyses(protocol: Protocol, problems: ProblemList) -> None:
    from marrowtrace.study.protocol import ANALYSES

    analyses = protocol.analyses
    followed = [endpoint.name for endpoint in protocol.endpoints]
    for word in analyses.wanted:
        _unknown("analyses.wanted", word, ANALYSES, problems)
    for word in analyses.endpoints:
        _unknown("analyses.endpoints", word, followed, problems)
    if len(analyses.pair) not in {0, 2}:
        problems.add("analyses.pair", f"has {len(analyses.pair)} markers; give two, or leave out")
    for name in ("markers", "pair"):
        for position, marker in enumerate(getattr(analyses, name)):
            _check_marker(protocol, f"analyses.{name}[{position}]", marker, problems)


def _check_comparison(
    protocol: Protocol, place: str, comparison: Comparison, problems: ProblemList
) -> None:
    from marrowtrace.citations import cite

    _check_statistic(protocol, f"{place}.statistic", comparison.statistic, problems)
    if (comparison.ci_low is None) != (comparison.ci_high is None):
        problems.add(f"{place}.ci_low", "is given without ci_high, or the reverse")
    low = -math.inf if comparison.ci_low is None else comparison.ci_low
    high = math.inf if comparison.ci_high is None else comparison.ci_high
    if not low <= comparison.value <= high:
        problems.add(f"{place}.value", f"is {comparison.value:g}, outside its own interval")
    if comparison.positive is not None and comparison.positive > (comparison.patients or 0):
        problems.add(
            f"{place}.positive", f"is {comparison.positive}, more than the patients examined"
        )
    if comparison.citation:
        try:
            cite(comparison.citation)
        except CitationError as err:
            problems.add(f"{place}.citation", str(err))


def _check_statistic(
    protocol: Protocol, place: str, statistic: Statistic, problems: ProblemList
) -> None:
    if statistic.kind not in STATISTICS:
        _unknown(f"{place}.kind", statistic.kind, STATISTICS, problems)
        return
    for name in _NEEDS[statistic.kind]:
        if getattr(statistic, name) in {None, ""}:
            problems.add(f"{place}.{name}", f"is missing; '{statistic.kind}' needs it")
    for name in ("marker", "before"):
        marker = getattr(statistic, name)
        if marker is not None:
            _check_marker(protocol, f"{place}.{name}", marker, problems)
    if statistic.endpoint:
        followed = [endpoint.name for endpoint in protocol.endpoints]
        _unknown(f"{place}.endpoint", statistic.endpoint, followed, problems)
    if statistic.kind == "hazard_ratio" and (statistic.marker is None) != bool(statistic.arms):
        problems.add(place, "compares either by a marker or two arms; give one of the two")
    if statistic.arms and len(statistic.arms) != 2:
        problems.add(f"{place}.arms", f"has {len(statistic.arms)} arms; give two")
    start = statistic.from_day or 0.0
    if statistic.day is not None and not start < statistic.day <= protocol.horizon:
        problems.add(
            f"{place}.day",
            f"is day {statistic.day:g}; give one after day {start:g}, "
            f"up to the horizon (day {protocol.horizon:g})",
        )
    arms = [arm.name for arm in protocol.arms]
    for name in statistic.arms:
        _unknown(f"{place}.arms", name, arms, problems)
    for name in ("subgroup", "reference"):
        _check_subgroup(protocol, f"{place}.{name}", getattr(statistic, name), problems)


def _check_subgroup(
    protocol: Protocol, place: str, subgroup: Subgroup, problems: ProblemList
) -> None:
    for name in subgroup.arms:
        _unknown(f"{place}.arms", name, [arm.name for arm in protocol.arms], problems)
    if subgroup.marker is not None:
        _check_marker(protocol, f"{place}.marker", subgroup.marker, problems)
