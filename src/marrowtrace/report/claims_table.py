"""The table of claims with filters by section, verdict and kind, without script."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marrowtrace.report.page import Table

FILTERS = ("verdict", "section", "kind")
COLOURS = {
    "reproduced": "#0b6e4f",
    "contradicted": "#a3262a",
    "undetermined": "#8a5a00",
    "built in": "#3d5a80",
    "not modelled": "#666666",
}


@dataclass(frozen=True, slots=True)
class ClaimsTable(Table):
    """One card a claim, with a menu for each filter; the browser hides what does not match.

    The menus work by style rules alone (``:has``), so the page needs no script; a browser that does
    not know them shows every claim.

    Parameters
    ----------
    rows : sequence of mapping
        The claims of the JSON form.
    """

    rows: Sequence[Mapping[str, Any]] = ()

    def render(self) -> str:
        """Return menus and cards as HTML."""
        menus, rules = [], []
        for name in FILTERS:
            values = list(dict.fromkeys(str(row[name]) for row in self.rows))
            if name == "verdict":
                values = [verdict for verdict in COLOURS if verdict in values]
            options = [f"<option value='all'>all ({len(self.rows)})</option>"]
            for number, value in enumerate(values):
                count = sum(str(row[name]) == value for row in self.rows)
                options.append(
                    f"<option value='{name}-{number}'>{html.escape(value)} ({count})</option>"
                )
                rules.append(
                    f".claims:has(option[value='{name}-{number}']:checked) "
                    f".claim:not([data-{name}='{html.escape(value, quote=True)}']){{display:none}}"
                )
            menus.append(f"<label>{name.capitalize()} <select>{''.join(options)}</select></label>")
        colours = "".join(
            f".claim[data-verdict='{verdict}']{{border-left-color:{colour}}}"
            f".claim[data-verdict='{verdict}'] .verdict{{color:{colour}}}"
            for verdict, colour in COLOURS.items()
        )
        cards = "".join(_card(row) for row in self.rows)
        return (
            f"<style>{_STYLE}{colours}{''.join(rules)}</style><div class='claims'>"
            f"<form class='menus'>{''.join(menus)}</form>"
            f"<div class='list'>{cards}<p class='count'>Shown: </p></div></div>"
        )


def _card(row: Mapping[str, Any]) -> str:
    """One claim."""
    data = " ".join(f"data-{name}='{html.escape(str(row[name]), quote=True)}'" for name in FILTERS)
    verdict = row["verdict"].capitalize()
    if row["against"]:
        verdict += f" by {row['against']}"
    lines = {
        "Review gives": row.get("quantity", ""),
        "Found": row["figure"],
        "95 % interval": interval_text(row),
        "Tried also when": _fails(row),
        "Would be settled by": row["settle"],
        "Rests on": row["rests_on"],
        "Known": row["note"],
    }
    said = "".join(
        f"<dt>{name}</dt><dd>{html.escape(str(text))}</dd>" for name, text in lines.items() if text
    )
    cited = f" [{row['references']}]" if row["references"] else ""
    return (
        f"<article class='claim' id='{row['id']}' {data}>"
        f"<h3>{row['id']} <span class='verdict'>{html.escape(verdict)}</span></h3>"
        f"<p>{html.escape(row['statement'])}</p>"
        f"<p class='note'>{html.escape(row['section'])}{html.escape(cited)}, {row['kind']}</p>"
        f"<dl>{said}</dl></article>"
    )


def interval_text(row: Mapping[str, Any]) -> str:
    """Return the judged number with its interval, or nothing.

    Examples
    --------
    >>> interval_text({"value": 2.0, "interval": [1.5, None]})
    '2 (1.5 to open)'
    """
    if row["value"] is None:
        return ""
    if row["interval"] is None:
        return f"{row['value']:.3g}"
    ends = ["open" if end is None else f"{end:.3g}" for end in row["interval"]]
    return f"{row['value']:.3g} ({ends[0]} to {ends[1]})"


def _fails(row: Mapping[str, Any]) -> str:
    """The perturbation and what the check gave under it."""
    if row["under_perturbation"] is None:
        return ""
    return (
        f"{row['perturbation']}. Then: {row['verdict_under_perturbation']}, "
        f"{row['under_perturbation']}"
    )


_STYLE = """
.menus{display:flex;flex-wrap:wrap;gap:.5rem 1.2rem;margin:.8rem 0;font-size:.9rem}
.menus select{font:inherit;max-width:18rem;padding:.15rem}
.list{counter-reset:claims}
.claim{counter-increment:claims;border:1px solid var(--line);border-left:6px solid var(--line);
border-radius:4px;padding:.5rem .9rem;margin:0 0 .7rem;break-inside:avoid}
.claim h3{margin:0;font-size:1rem}.claim p{margin:.25rem 0}
.claim .verdict{margin-left:.4rem}
.claim dl{display:grid;grid-template-columns:9rem 1fr;gap:.1rem .8rem;margin:.3rem 0;
font-size:.9rem}
.claim dt{font-weight:600;color:var(--soft)}.claim dd{margin:0;overflow-wrap:anywhere}
.count::after{content:counter(claims)}
@media screen and (max-width:40rem){.claim dl{display:block}.claim dd{margin:0 0 .3rem}
.menus label{display:block;width:100%}.menus select{width:100%;max-width:none}}
@media print{.menus{display:none}}
"""
