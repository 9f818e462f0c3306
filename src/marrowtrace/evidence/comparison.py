"""CTCs against DTCs on the same footing: the review's central claim, and what the tables say to it.

Same patients first (`pairs`); then, because few studies looked for both, stratified by phase and
endpoint over different patients, which compares studies as much as cells. The answer is put
together from the numbers, whatever they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from marrowtrace.citations import cite
from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.effects import PooledEffect, pool_effects
from marrowtrace.evidence.pairs import (
    DetectionPair,
    PrognosisPair,
    Statement,
    detection_pairs,
    prognosis_pairs,
    statements,
)
from marrowtrace.evidence.plain_values import PlainValue, plain
from marrowtrace.evidence.prognosis import (
    FAMILIES,
    combined_p_text,
    hazard_ratio,
    pool_prognosis,
)
from marrowtrace.evidence.regression import indicators, meta_regression
from marrowtrace.evidence.selection import Query
from marrowtrace.evidence.tables import TABLE_1, TABLE_2, EvidenceTables

SCHEMA = "marrowtrace.evidence.compare/1"
CLAIM = (
    "DTCs remaining in the bone marrow after therapy can be used as a superior marker in "
    "comparison with CTCs"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledPairs:
    """Odds of finding DTCs over those of finding CTCs, pooled over groups of patients.

    Parameters
    ----------
    phase : str
    rows : tuple of str
        Names of the DTC rows, one pair for each group of patients.
    k : int
    odds_ratio, ci_low, ci_high, prediction_low, prediction_high, i2 : float
        REML with Knapp-Hartung.
    dtc_more_often : int
        Pairs in which DTCs were found more often.
    """

    phase: str
    rows: tuple[str, ...]
    k: int
    odds_ratio: float
    ci_low: float
    ci_high: float
    prediction_low: float
    prediction_high: float
    i2: float
    dtc_more_often: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """One cell class in one phase for one family of endpoints, over different patients.

    Parameters
    ----------
    analyte, phase, family : str
    k : int
        Groups of patients.
    n : int or None
        Patients; None where some row does not say.
    p_low, p_high : float
        Fisher's combined p-value over what the printed ones may be.
    rows : tuple of str
    """

    analyte: str
    phase: str
    family: str
    k: int
    n: int | None
    p_low: float
    p_high: float
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedRatio:
    """A hazard ratio as printed, for CTCs and DTCs side by side.

    Parameters
    ----------
    row, analyte, label, cancer, stage, phase, endpoint, adjustment, status : str
    n : int or None
    hr, ci_low, ci_high : float
        The interval is NaN where it can be had neither as printed nor from p.
    """

    row: str
    analyte: str
    label: str
    cancer: str
    stage: str
    phase: str
    endpoint: str
    adjustment: str
    status: str
    n: int | None
    hr: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """CTCs against DTCs.

    Parameters
    ----------
    answer : tuple of str
        In plain sentences.
    detection : tuple of DetectionPair
    pooled_detection : tuple of PooledPairs
    prognosis : tuple of PrognosisPair
    strata : tuple of Stratum
    ratios : tuple of PrintedRatio
    statements : tuple of Statement
    between_studies_p, between_studies_p_wald : float
        Meta-regression of Table 1's rates on CTC or DTC, every row as printed and independent:
        Knapp-Hartung, and Wald.
    papers : tuple of str
    """

    answer: tuple[str, ...]
    detection: tuple[DetectionPair, ...]
    pooled_detection: tuple[PooledPairs, ...]
    prognosis: tuple[PrognosisPair, ...]
    strata: tuple[Stratum, ...]
    ratios: tuple[PrintedRatio, ...]
    statements: tuple[Statement, ...]
    between_studies_p: float
    between_studies_p_wald: float
    papers: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Return one row for each pair that held both cells against an endpoint."""
        return pl.DataFrame([plain(pair) for pair in self.prognosis])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the comparison as plain JSON values."""
        detection: list[PlainValue] = []
        for pair in self.detection:
            low, high = pair.interval
            ends = {"odds_ratio": pair.odds_ratio, "ci_low": low, "ci_high": high}
            detection.append({**_mapping(plain(pair)), **ends})
        return {
            "schema": SCHEMA,
            "claim": CLAIM,
            "answer": list(self.answer),
            "detection": detection,
            "pooled_detection": plain(self.pooled_detection),
            "prognosis": plain(self.prognosis),
            "strata": plain(self.strata),
            "ratios": plain(self.ratios),
            "statements": plain(self.statements),
            "between_studies_p": plain(self.between_studies_p),
            "between_studies_p_wald": plain(self.between_studies_p_wald),
            "papers": list(self.papers),
        }


def compare(tables: EvidenceTables) -> Comparison:
    """Compare CTCs with DTCs, in the same patients where possible.

    Parameters
    ----------
    tables : EvidenceTables

    Returns
    -------
    Comparison
    """
    detection, prognosis = detection_pairs(tables), prognosis_pairs(tables)
    pooled = tuple(
        _pool_pairs(phase, [pair for pair in detection if pair.phase == phase])
        for phase in ("pre", "post")
        if any(pair.phase == phase for pair in detection)
    )
    strata = tuple(_strata(tables))
    ratios = tuple(_ratios(tables))
    said = statements()
    guarded, wald = _between_studies(tables)
    keys = [pair.study for pair in detection] + [pair.study for pair in prognosis]
    keys += [statement.study for statement in said]
    keys += [row.study for row in tables.effects if row.row in {ratio.row for ratio in ratios}]
    return Comparison(
        answer=tuple(_answer(pooled, prognosis, strata, ratios, said, (guarded, wald))),
        detection=detection,
        pooled_detection=pooled,
        prognosis=prognosis,
        strata=strata,
        ratios=ratios,
        statements=said,
        between_studies_p=guarded,
        between_studies_p_wald=wald,
        papers=tuple(dict.fromkeys(["sai2018", *keys])),
    )


def _mapping(value: PlainValue) -> dict[str, PlainValue]:
    """A plain value that is known to be a mapping."""
    assert isinstance(value, dict)
    return value


def _pool_pairs(phase: str, pairs: Sequence[DetectionPair]) -> PooledPairs:
    """Pool the odds ratios of one phase, the largest pair of each group of patients."""
    largest: dict[str, DetectionPair] = {}
    for pair in pairs:
        best = largest.get(pair.cohort)
        if best is None or pair.ctc_n + pair.dtc_n > best.ctc_n + best.dtc_n:
            largest[pair.cohort] = pair
    kept = list(largest.values())
    effect: PooledEffect = pool_effects(
        [pair.log_odds_ratio for pair in kept], [pair.variance for pair in kept]
    )
    return PooledPairs(
        phase=phase,
        rows=tuple(pair.dtc for pair in kept),
        k=len(kept),
        odds_ratio=math.exp(effect.estimate),
        ci_low=math.exp(effect.ci_low),
        ci_high=math.exp(effect.ci_high),
        prediction_low=math.exp(effect.prediction_low),
        prediction_high=math.exp(effect.prediction_high),
        i2=effect.i2,
        dtc_more_often=sum(pair.log_odds_ratio > 0 for pair in kept),
    )


def _strata(tables: EvidenceTables) -> list[Stratum]:
    """Combined p-values of Table 2 and a user's rows by phase and family of endpoints."""
    found = []
    for family, endpoints in FAMILIES.items():
        for phase in ("pre", "on", "post"):
            for analyte in ("CTC", "DTC"):
                query = Query(analyte=analyte, phase=phase, endpoints=endpoints, sources=(TABLE_2,))
                try:
                    pooled = pool_prognosis(tables, query)
                except EvidenceError:  # no row in this stratum
                    continue
                assert pooled.p is not None
                sizes = [row.n for row in pooled.rows]
                known = [size for size in sizes if size is not None]
                found.append(
                    Stratum(
                        analyte=analyte,
                        phase=phase,
                        family=family,
                        k=len(pooled.rows),
                        n=sum(known) if len(known) == len(sizes) else None,
                        p_low=pooled.p.p_low,
                        p_high=pooled.p.p_high,
                        rows=tuple(row.row for row in pooled.rows),
                    )
                )
    return found


def _ratios(tables: EvidenceTables) -> list[PrintedRatio]:
    """Every hazard ratio that is printed, but one print of each."""
    found, seen = [], set()
    for printed in tables.effects:
        row = printed.corrected()
        key = (row.study, row.analyte, row.phase, row.endpoint, row.hr)
        if row.hr is None or row.set_aside or key in seen:
            continue
        seen.add(key)
        ratio = hazard_ratio(row)
        low, high = ratio.interval() if ratio else (math.nan, math.nan)
        if row.ci_low is not None and row.ci_high is not None:
            low, high = row.ci_low, row.ci_high
        found.append(
            PrintedRatio(
                row=row.row,
                analyte=row.analyte,
                label=tables.label(row.study),
                cancer=row.cancer,
                stage=row.stage,
                phase=row.phase,
                endpoint=row.endpoint,
                adjustment=row.adjustment,
                status=row.status,
                n=row.n,
                hr=row.hr,
                ci_low=low,
                ci_high=high,
            )
        )
    order = ("pre", "on", "post")
    return sorted(found, key=lambda r: (r.endpoint, order.index(r.phase), r.analyte, r.label))


def _between_studies(tables: EvidenceTables) -> tuple[float, float]:
    """p-value of CTC against DTC among Table 1's baseline rates, every row as independent."""
    rows = [
        row
        for row in tables.rates
        if row.source == TABLE_1 and row.analyte in ("CTC", "DTC") and row.phase == "pre"
    ]
    if len(rows) < 3:
        return math.nan, math.nan
    logits, variances = [], []
    for row in rows:
        assert row.n is not None
        positive = row.count or 0
        add = 0.5 if positive in (0, row.n) else 0.0
        with_cells, without = positive + add, row.n - positive + add
        logits.append(math.log(with_cells / without))
        variances.append(1 / with_cells + 1 / without)
    columns, names = indicators([row.analyte for row in rows], reference="CTC")
    p_values = [
        meta_regression(
            logits, variances, moderators=columns, names=names, test=test
        ).moderator_p_value
        for test in ("knapp-hartung", "wald")
    ]
    return p_values[0], p_values[1]


def _answer(
    pooled: Sequence[PooledPairs],
    prognosis: Sequence[PrognosisPair],
    strata: Sequence[Stratum],
    ratios: Sequence[PrintedRatio],
    said: Sequence[Statement],
    between: tuple[float, float],
) -> list[str]:
    """The answer in plain sentences, put together from the numbers."""
    sentences = [_verdict(prognosis)]
    for pairs in pooled:
        when = {"pre": "before treatment", "post": "after it"}.get(pairs.phase, pairs.phase)
        sentences.append(
            f"Finding them, {when}, in the same patients: DTCs more often in {pairs.dtc_more_often}"
            f" of {pairs.k} groups, pooled odds ratio {pairs.odds_ratio:.2g} "
            f"({pairs.ci_low:.2g} to {pairs.ci_high:.2g})"
            f"{', which leaves open which is found more often' if _spans(pairs) else ''}; "
            "the assay of blood and of marrow differs within most studies."
        )
    sentences.extend(_outcome(prognosis))
    sentences.extend(_over_strata(strata))
    sentences.extend(_side_by_side(ratios))
    words = [f"{cite(s.study).short} for {s.favours}s" for s in said]
    sentences.append(
        f"In words alone, papers disagree: {', '.join(words)}. Between different studies, Table 1's"
        f" rates {'do not separate' if min(between) >= 0.05 else 'may separate'} the two "
        f"(p = {between[0]:.2f}; {between[1]:.2f} without the Knapp-Hartung correction)."
    )
    return sentences


def _spans(pairs: PooledPairs) -> bool:
    """Whether the interval of a pooled odds ratio holds 1."""
    return pairs.ci_low <= 1 <= pairs.ci_high


def _verdict(prognosis: Sequence[PrognosisPair]) -> str:
    """The first sentence: does any pair show a difference for certain?"""
    tested = [pair for pair in prognosis if not math.isnan(pair.difference_high)]
    certain = [pair for pair in tested if pair.difference_high < 0.05]
    never = [pair for pair in tested if pair.difference_low >= 0.05]
    if not prognosis:
        return "No study in the tables held both cells against outcome in the same patients."
    if certain:
        names = ", ".join(f"{pair.label} ({pair.endpoint})" for pair in certain)
        return (
            f"In {names} the hazard ratios of CTCs and DTCs differ whatever the signs that are not "
            f"printed; in the other {len(prognosis) - len(certain)} comparisons that is not shown."
        )
    return (
        "The tables neither show nor refute that DTCs are the better marker of outcome: of "
        f"{len(prognosis)} comparisons in the same patients ({_cohorts(prognosis)} groups), "
        f"{len(tested)} print enough to test the difference; {len(never)} of them show none and "
        f"{len(tested) - len(never)} depend on figures that are not printed."
    )


def _cohorts(pairs: Sequence[PrognosisPair]) -> int:
    """Groups of patients."""
    return len({pair.cohort for pair in pairs})


def _outcome(prognosis: Sequence[PrognosisPair]) -> list[str]:
    """Which p-values are smaller, and why that is not the question."""
    if not prognosis:
        return []
    tally = {
        name: [p for p in prognosis if p.smaller == name] for name in ("DTC", "CTC", "neither")
    }
    groups = sorted({pair.label for pair in tally["DTC"]})
    sentences = [
        f"Counting p-values, as the review does, DTCs have the smaller one in {len(tally['DTC'])}, "
        f"CTCs in {len(tally['CTC'])}, neither in {len(tally['neither'])} of {len(prognosis)}; but "
        f"the {len(tally['DTC'])} come from {len(groups)} groups ({', '.join(groups)})."
    ]
    sentences.extend(
        f"{pair.label}, {pair.endpoint}, {pair.when}: p = {pair.dtc_p} for DTCs ({pair.dtc_k} of "
        f"{pair.dtc_n} carried them) and {pair.ctc_p} for CTCs ({pair.ctc_k} of {pair.ctc_n}); "
        f"with the same hazard ratio CTCs would be expected at p = {pair.expected_p:.2g}; test of "
        f"the difference p = {pair.difference_low:.2g} to {pair.difference_high:.2g}, depending "
        "on what is not printed."
        for pair in prognosis
        if pair.smaller != "neither" and not math.isnan(pair.expected_p)
    )
    return sentences


def _over_strata(strata: Sequence[Stratum]) -> list[str]:
    """Combined p-values of both cells in one phase, family by family."""
    sentences = []
    for phase, when in (("pre", "before treatment"), ("post", "after it")):
        parts = []
        for family in FAMILIES:
            found = {s.analyte: s for s in strata if (s.phase, s.family) == (phase, family)}
            if len(found) == 2:
                parts.append(
                    f"{family}: {_combined(found['DTC'])} for DTCs, {_combined(found['CTC'])} for "
                    "CTCs"
                )
        if parts:
            sentences.append(
                f"Over different patients, {when}, Fisher's combined p-values are "
                f"{'; '.join(parts)}. They say whether any study found something, not how much, "
                "and mix endpoints and cancers."
            )
    return sentences


def _combined(stratum: Stratum) -> str:
    """A combined p-value with its size in words."""
    text = combined_p_text(stratum.p_low, stratum.p_high)
    p = f"p {text}" if text.startswith("<") else f"p = {text}"
    patients = "n not printed" if stratum.n is None else f"n = {stratum.n}"
    return f"{p} ({stratum.k} groups, {patients})"


def _side_by_side(ratios: Sequence[PrintedRatio]) -> list[str]:
    """Hazard ratios at diagnosis of early breast cancer, and those after therapy."""
    sentences = []
    for endpoint in ("OS", "DFS"):
        found = {
            analyte: max(
                (
                    r
                    for r in ratios
                    if (r.analyte, r.endpoint, r.phase) == (analyte, endpoint, "pre")
                    and (r.cancer, r.stage) == ("breast", "early")
                ),
                key=lambda r: r.n or 0,
                default=None,
            )
            for analyte in ("CTC", "DTC")
        }
        ctc, dtc = found["CTC"], found["DTC"]
        if ctc is None or dtc is None:
            continue
        inside = ctc.ci_low <= dtc.hr <= ctc.ci_high
        sentences.append(
            f"At diagnosis of early breast cancer, in different patients, {endpoint}: hazard ratio "
            f"{dtc.hr:g} for DTCs ({dtc.label}, n = {dtc.n}) and {ctc.hr:g} ({ctc.ci_low:g} to "
            f"{ctc.ci_high:g}) for CTCs ({ctc.label}, n = {ctc.n}): "
            f"{'no visible difference' if inside else 'apart'}."
        )
    after = [r for r in ratios if r.phase == "post"]
    counts = {a: sum(r.analyte == a for r in after) for a in ("CTC", "DTC")}
    studies = len({r.label for r in after if r.analyte == "DTC"})
    sentences.append(
        f"After therapy, the claim's own ground, {counts['DTC']} hazard ratios are printed for "
        f"DTCs ({studies} studies) and {counts['CTC']} for CTCs"
        + ("." if counts["CTC"] else ": there is nothing to hold them against.")
    )
    return sentences
