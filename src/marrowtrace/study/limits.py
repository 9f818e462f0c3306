"""What a study's model cannot say, from what is known of its parameters and its own results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from marrowtrace.catalog import calibration, description
from marrowtrace.parameters import ParameterSet

if TYPE_CHECKING:
    from marrowtrace.study.protocol import Protocol


def limits(
    protocol: Protocol,
    parameters: ParameterSet,
    published: Sequence[Mapping[str, Any]],
    *,
    incomplete: int,
    stand_ins: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """List what a reader must not take from the results.

    Parameters
    ----------
    protocol : Protocol
    parameters : ParameterSet
        Of the study.
    published : sequence of mapping
        Rows of `marrowtrace.study.comparison`.
    incomplete : int
        Patients whose simulation reached a limit.
    stand_ins : sequence of str
        Further sentences, such as on analyses that were thinned.

    Returns
    -------
    list of dict
        ``title``, ``text`` and ``items``.
    """
    rows = [
        _contradicted(published),
        _without_interval(published),
        _informed(protocol),
        _structure(protocol),
        _assumed(parameters),
        _item(
            "A population, not a patient",
            "Numbers describe simulated groups under this protocol. They are no forecast for a "
            "person, and differences between arms hold as far as the modelled effects of the "
            "therapies do, which are inputs.",
        ),
    ]
    if incomplete:
        rows.append(
            _item(
                "Histories that were cut short",
                f"{incomplete} simulated patients reached a limit of the simulation (too many "
                "lesions at once, or steps). Their follow-up ends there.",
            )
        )
    about = " ".join(description(protocol.cancer).notes.split())
    rows.append(_item("What the parameter set rests on", about))
    if stand_ins:
        rows.append(_item("What was thinned or left out here", "", stand_ins))
    return [row for row in rows if row is not None]


def _item(title: str, text: str, items: Sequence[str] = ()) -> dict[str, Any]:
    return {"title": title, "text": text, "items": list(items)}


def _contradicted(published: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Figures whose interval the simulation misses."""
    judged = [row for row in published if row["inside"] is not None]
    missed = [row for row in judged if row["inside"] is False]
    if not judged:
        return None
    text = (
        f"Of {len(judged)} published figures with an interval, {len(judged) - len(missed)} contain "
        f"the simulated value and {len(missed)} do not"
    )
    if not missed:
        return _item("Figures that the model contradicts", text + ".")
    return _item(
        "Figures that the model contradicts",
        text + ". On these the model disagrees with the literature, or the literature with itself:",
        [
            f"{row['label']} ({row['paper'] or 'no paper'}): published {row['published']:.3g} "
            f"({row['ci_low']:.3g} to {row['ci_high']:.3g}), simulated {row['simulated']:.3g}"
            for row in missed
        ],
    )


def _without_interval(published: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    open_ = [row for row in published if row["inside"] is None]
    remembered = sum(not row["verified"] for row in published)
    if not published or not (open_ or remembered):
        return None
    return _item(
        "Figures that cannot be judged",
        f"{len(open_)} of {len(published)} published figures have no interval or no simulated "
        f"counterpart, so nothing is said of them; {remembered} are remembered and were not seen "
        "in the paper.",
    )


def _informed(protocol: Protocol) -> dict[str, Any]:
    """How far the calibration's targets inform its parameters."""
    about = description(protocol.cancer)
    while not about.calibration and about.base:
        about = description(about.base)
    if not about.calibration:
        return _item(
            "Nothing was fitted",
            "No parameter of this set was fitted to data by a search; values are from papers, "
            "set by hand to single figures, or assumed, as the table of parameters says.",
        )
    found = calibration(about.calibration)
    text = (
        f"{len(found.values)} values were fitted to {found.target_count} published figures. These "
        "figures inform few of them. Any result that hangs on a value they do not inform rests on "
        "the range that was assumed for it."
    )
    return _item(
        "What the data do not identify",
        text,
        [
            f"well informed: {_words(found.well_informed)}",
            f"not informed: {_words(found.not_informed)}",
        ],
    )


def _words(symbols: Sequence[str]) -> str:
    return ", ".join(symbol.replace("_", " ") for symbol in symbols) or "none"


def _structure(protocol: Protocol) -> dict[str, Any]:
    """The two structures that prognosis data do not tell apart."""
    used = {description(protocol.cancer).structure}
    used |= {description(arm.cancer).structure for arm in protocol.arms if arm.cancer}
    here = "both were simulated" if len(used) > 1 else f"the {next(iter(used))} one was simulated"
    return _item(
        "Whether relapse needs the marrow",
        "Two structures fit the data on prognosis about equally well: in the parallel one most "
        "visceral relapses are seeded directly by the primary tumour and cells in marrow are a "
        "measure of spread; in the reservoir one every visceral relapse has passed through the "
        f"marrow. Here {here}. That DTC-positive patients relapse more often does not decide "
        "between them; an intervention confined to the marrow would. The origins of relapse in "
        "this report follow from the structure chosen, and are no evidence for it.",
    )


def _assumed(parameters: ParameterSet) -> dict[str, Any]:
    kinds = [parameter.source.kind for parameter in parameters.values()]
    doubtful = {
        p.source.citation.key
        for p in parameters.values()
        if p.source.citation and p.source.citation.status == "remembered"
    }
    return _item(
        "Numbers without a measurement",
        f"Of {len(kinds)} parameters {kinds.count('assumed')} are assumed, "
        f"{kinds.count('calibrated')} calibrated and "
        f"{len(kinds) - kinds.count('assumed') - kinds.count('calibrated')} taken from papers, of "
        f"which {len(doubtful)} are cited from memory and not yet verified.",
    )
