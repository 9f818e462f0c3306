"""The contest of the markers in words and tables, as plain values for the page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marrowtrace.claims.marker_contest import Contest, Pair

_STRUCTURE = {
    "early-breast": "organs seeded directly and from marrow",
    "early-breast-reservoir": "organs seeded only from marrow",
}
_HEADINGS = {
    "structure": "biology",
    "month": "months",
    "moment": "blood",
    "varied": "parameter",
    "years": "follow-up, years",
    "endpoint": "endpoint",
    "blood": "blood",
    "marrow": "marrow",
    "ctc_positive": "CTC+",
    "dtc_positive": "DTC+",
    "ctc_c": "C of CTC",
    "dtc_c": "C of DTC",
    "difference": "DTC less CTC",
    "better": "better",
    "ctc_ratio": "hazard ratio, CTC",
    "dtc_ratio": "hazard ratio, DTC",
}
_TEXTS = {
    "amounts": (
        "How much blood, how much marrow",
        "A year after diagnosis, distant relapse within 10 years.",
        ("blood", "marrow"),
    ),
    "times": (
        "When the samples are taken",
        "CellSearch of 7.5 mL against 2 million marrow cells, distant relapse within 10 years of "
        "the sample, in patients without distant relapse until then.",
        ("structure", "month"),
    ),
    "follow_up": (
        "How long patients are followed",
        "The same assays, a year after diagnosis.",
        ("structure", "years"),
    ),
    "endpoints": (
        "Which outcome, in which biology",
        "The same assays, a year after diagnosis, 10 years of follow-up.",
        ("structure", "endpoint"),
    ),
    "biology": (
        "Where the biology decides",
        "The same assays, a year after diagnosis, 10 years of follow-up; one parameter at a time "
        "at either end of its range, all others as they are, without fitting anew.",
        ("varied",),
    ),
    "truth": (
        "If every cell could be counted",
        "The true number of cells in the whole marrow and the whole blood, which no assay sees: in "
        "blood its mean over days, and that at the moment of the draw. Hazard ratios are those of "
        "the upper half.",
        ("structure", "month", "moment"),
    ),
}
_METHODS = (
    "Both samples are of the same virtual patients: without metastases at diagnosis, treated as "
    "usual, alive and without distant relapse on the day of sampling.",
    "Blood by the CellSearch preset, marrow by the A45-B/B3 preset; other amounts change only the "
    "amount. 500 mL of blood stands for leukapheresis; that its recovery would be the same is "
    "assumed.",
    "C: Harrell's concordance of the count; differences with 95 % intervals of paired samples. "
    "Hazard ratios: at least one cell against none, Cox's model.",
    "The parameters were fitted to how often both markers are found and to hazard ratios of each, "
    "not to any comparison of the two. Sizes of the difference depend on the spread of the level "
    "of the blood between draws (blood_burst_log_sd) and of marrow between aspirates "
    "(marrow_site_shape), both uncertain.",
)


def in_words(contest: Contest) -> dict[str, Any]:
    """Return answer, findings, tables, methods and papers.

    Parameters
    ----------
    contest : Contest
        With every table.

    Returns
    -------
    dict
        ``answer``, ``findings``, ``tables`` (``title``, ``text``, ``rows``, ``headings``,
        ``footnotes``), ``methods``, ``papers``.
    """
    return {
        "answer": _answer(contest),
        "findings": _findings(contest),
        "tables": [_table(name, getattr(contest, name)) for name in _TEXTS],
        "methods": [f"{contest.patients:,} virtual patients in each structure.", *_METHODS],
        "papers": ["sai2018"],
    }


def _answer(contest: Contest) -> str:
    usual = next(p for p in contest.amounts if p.blood == 7.5 and p.marrow == 2e6)
    if usual.better == "neither":
        return (
            "It cannot be told as samples are usually taken: concordance of the marrow count less "
            f"that of the blood count is {_gap(usual)}."
        )
    if usual.better == "CTC":
        return (
            "No, not even as samples are usually taken: a year after diagnosis the blood count "
            f"ranks patients better, by {_gap(usual)} of concordance."
        )
    flips = any(pair.better == "CTC" for pair in contest.amounts)
    return (
        "Yes, as samples are usually taken: a year after diagnosis the marrow count ranks patients "
        f"better than the blood count, by {_gap(usual)} of concordance. "
        + ("With other amounts of blood and marrow it is the other way round." if flips else "")
    ).strip()


def _findings(contest: Contest) -> list[str]:
    usual = next(p for p in contest.amounts if p.blood == 7.5 and p.marrow == 2e6)
    said = [
        f"DTC-positive {_share(usual.dtc_positive)}, CTC-positive {_share(usual.ctc_positive)}; "
        f"hazard ratio of one cell or more {usual.dtc_ratio} for DTCs, {usual.ctc_ratio} for CTCs. "
        "Concordance weighs both how large the ratio is and how many are positive.",
        _count("Amounts", contest.amounts),
    ]
    flips = [p for p in contest.amounts if p.better == "CTC"]
    if flips:
        said.append("It flips, blood being better, with " + "; ".join(
            f"{p.blood:g} mL against {p.marrow / 1e6:g} million cells ({_gap(p)})" for p in flips
        ) + ".")  # fmt: skip
    said.append(_count("Times of sampling", contest.times))
    late = [p for p in contest.times if p.better != "DTC"]
    if late:
        said.append("Marrow is not better for certain at " + "; ".join(
            f"{p.month} months ({_STRUCTURE[p.structure]}: {_gap(p)})" for p in late
        ) + ".")  # fmt: skip
    said.append(_count("Lengths of follow-up", contest.follow_up))
    said.append(_count("Outcomes and biologies", contest.endpoints))
    said.append(_count("Parameters at an end of their range", contest.biology))
    against = [p for p in contest.biology if p.better != "DTC"]
    if against:
        said.append("Marrow is not better for certain with " + "; ".join(
            f"{p.varied} ({_gap(p)})" for p in against
        ) + ".")  # fmt: skip
    for moment, what in ((False, "the mean number over days"), (True, "the number at one moment")):
        known = [p for p in contest.truth if p.moment == moment]
        said.append(
            f"If every cell could be counted, and {what} in blood were known, "
            f"{_winner(known)}: {'; '.join(_gap(p) for p in known)}."
        )
    return said


def _winner(pairs: list[Pair]) -> str:
    """Which marker is better in all pairs."""
    found = {pair.better for pair in pairs}
    if found == {"CTC"}:
        return "blood would be the better marker"
    if found == {"DTC"}:
        return "marrow would be the better marker"
    return "neither would be the better marker throughout"


def _count(what: str, pairs: Iterable[Pair]) -> str:
    """How many pairs each marker wins."""
    found = [pair.better for pair in pairs]
    return (
        f"{what}: DTCs better in {found.count('DTC')}, CTCs in {found.count('CTC')}, not to be "
        f"told apart in {found.count('neither')} of {len(found)}."
    )


def _table(name: str, pairs: Iterable[Pair]) -> dict[str, Any]:
    title, text, varied = _TEXTS[name]
    rows = []
    for pair in pairs:
        row: dict[str, Any] = {column: _cell(pair, column) for column in varied}
        if pair.ctc_positive is not None:
            row |= {c: _share(getattr(pair, c)) for c in ("dtc_positive", "ctc_positive")}
        row |= {
            "dtc_c": f"{pair.dtc_c:.3f}",
            "ctc_c": f"{pair.ctc_c:.3f}",
            "difference": _gap(pair),
            "better": pair.better,
            "dtc_ratio": pair.dtc_ratio,
            "ctc_ratio": pair.ctc_ratio,
        }
        rows.append(row)
    return {
        "title": title,
        "text": text,
        "rows": rows,
        "headings": {column: _HEADINGS[column] for column in rows[0]},
        "footnotes": [],
    }


def _cell(pair: Pair, column: str) -> Any:
    if column == "structure":
        return _STRUCTURE[pair.structure]
    if column == "moment":
        return "at the draw" if pair.moment else "mean over days"
    if column == "blood":
        return f"{pair.blood:g} mL"
    if column == "marrow":
        return f"{pair.marrow / 1e6:g} million cells"
    if column == "endpoint":
        return pair.endpoint.replace("_", " ")
    return getattr(pair, column)


def _gap(pair: Pair) -> str:
    return f"{pair.difference:+.3f} ({pair.low:+.3f} to {pair.high:+.3f})"


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"
