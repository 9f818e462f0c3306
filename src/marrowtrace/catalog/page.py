"""The documentation page of the catalogue, printed from its objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from marrowtrace.catalog.calibrations import Calibration, calibration
from marrowtrace.catalog.comparison import Difference, diff
from marrowtrace.catalog.descriptions import description, names
from marrowtrace.catalog.parameter_sets import parameter_set, topics
from marrowtrace.catalog.regimens import regimen, regimen_names
from marrowtrace.catalog.targets import Target, target_names, targets
from marrowtrace.citations import bibliography, reference_list
from marrowtrace.parameters import Parameter

_HEADER = """# The catalogue

Published parametrisations by cancer and stage. This page is made by `marrowtrace.catalog.page`
from the objects that the simulation uses; `marrowtrace catalog show NAME` prints the same.

Every value says what kind it is:

| kind | meaning |
|---|---|
| measured | printed in the paper, at the place given |
| published model | a value of a published model |
| assumed | a guess; the reason is given, and a paper where one shows at least the direction |
| calibrated | fitted by us; the targets are given |

A paper marked *[remembered]* was written from memory and not verified; one marked *[listed]* stands
in the reference list of a paper that was read.

Values by subtype are in the order ER+/HER2-, ER+/HER2+, ER-/HER2+, triple negative; in Python and
in study files they are called `symbol.er_pos_her2_neg`, `symbol.er_pos_her2_pos`,
`symbol.er_neg_her2_pos` and `symbol.triple_negative`. Sets of other cancers use the first
(hormone-sensitive) or the last (no receptor) subtype alone.

Where to change what, under `src/marrowtrace/catalog`:

| file | holds |
|---|---|
| `data/sets/NAME/set.toml` | what a set is, its base and where it differs, with the reason |
| `data/sets/early-breast/TOPIC.toml` | the parameters, one table a symbol |
| `data/calibrations/NAME.toml` | fitted values; a new fit is a new file, named in `set.toml` |
| `data/regimens.toml` | therapies as windows with effects |
| `data/targets/NAME.toml` | figures a set is held against |
| `qc/` | the second entry of values and figures, and the disagreements that were looked into |
"""
_TARGETS = """## Targets

Published figures that a set is fitted to (*used*) or held against. *remembered* figures were not
verified in the paper. The fit of early-breast used 29 population targets, of which the values of
{recorded} are on record and listed here; its endocrine effects were tuned by hand to one more.
"""


def catalog_page() -> str:
    """Return the page in Markdown."""
    parts = [_HEADER, "## Parameter sets\n", _sets(), _calibrations()]
    for topic in topics("early-breast"):
        parts += [f"## early-breast: {topic}\n", _topic(topic)]
    parts += [_differences(name) for name in names() if name != "early-breast"]
    parts += ["## Regimens\n", _regimens()]
    used = sum(target.used for target in targets("early-breast"))
    parts += [_TARGETS.format(recorded=used - 1), *(_targets(name) for name in target_names())]
    parts += ["## Papers\n", _papers()]
    return "\n".join(parts)


def families(symbols: Iterable[str]) -> dict[str, list[str]]:
    """Group symbols by what stands before the subtype, in order."""
    found: dict[str, list[str]] = {}
    for symbol in symbols:
        found.setdefault(symbol.split(".", maxsplit=1)[0], []).append(symbol)
    return found


def values_text(members: Sequence[Parameter]) -> str:
    """Values of the members of a family as text: one number if they agree."""
    return _joined([parameter.value for parameter in members])


def range_text(members: Sequence[Parameter]) -> str:
    """Ranges of the members of a family as text."""
    low = _joined([parameter.low for parameter in members])
    high = _joined([parameter.high for parameter in members])
    return f"{low} to {high}"


def kind_text(members: Sequence[Parameter], informed: Sequence[str] = ()) -> str:
    """Kinds of the members of a family, each once, with how far the targets inform them."""
    kinds = [parameter.source.kind for parameter in members]
    if any(informed):
        pairs = zip(kinds, informed, strict=True)
        kinds = [f"{kind} ({word} informed)" if word else kind for kind, word in pairs]
    return " / ".join(dict.fromkeys(kinds))


def sources_text(members: Sequence[Parameter]) -> str:
    """Sources of the members of a family, each once."""
    return " / ".join(dict.fromkeys(source_text(parameter) for parameter in members))


def source_text(parameter: Parameter) -> str:
    """Kind, paper with its standing, and place of a parameter as text."""
    cited = parameter.source.citation
    if cited is None:
        return parameter.source.where
    standing = "" if cited.status == "seen" else f" [{cited.status}]"
    return f"{cited.short}{standing}: {parameter.source.where}"


def _joined(values: Sequence[float]) -> str:
    texts = [f"{value:.4g}" for value in values]
    return texts[0] if len(set(texts)) == 1 else ", ".join(texts)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _sets() -> str:
    rows = []
    for name in names():
        entry = description(name)
        called = f"`{name}`" + "".join(f", `{alias}`" for alias in entry.aliases)
        rests = f"`{entry.base}`" if entry.base else "-"
        kind = f"{entry.structure}, from {entry.entry}"
        rows.append((called, entry.title, entry.stage, kind, rests, entry.notes))
    return _table(("name", "what", "stage", "structure", "base", "what it rests on"), rows)


def _calibrations() -> str:
    lines = ["## Calibrations\n"]
    rows = []
    for name in names():
        entry = description(name)
        if not entry.calibration:
            continue
        found = calibration(entry.calibration)
        rows.append(
            (
                f"`{found.name}`",
                f"{found.loss:.1f}",
                f"{found.loss_fresh_seed:.1f}",
                f"{found.patients:,}",
                f"{found.target_count}",
                found.method,
            )
        )
    heads = ("calibration", "loss", "loss, fresh seed", "patients", "targets", "method")
    lines.append(_table(heads, rows))
    lines.append(_informed(calibration(description("early-breast").calibration)))
    return "\n".join(lines)


def _informed(found: Calibration) -> str:
    return (
        "The targets inform only some of what was fitted. Well informed (posterior sd below 0.6 of "
        f"the prior's): {_code(found.well_informed)}. Not informed (at least 0.9): "
        f"{_code(found.not_informed)}. The others are weakly informed.\n"
    )


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _topic(topic: str) -> str:
    found = parameter_set("early-breast")
    fit = calibration(description("early-breast").calibration)
    rows = []
    for family, symbols in families(topics("early-breast")[topic]).items():
        members = [found[symbol] for symbol in symbols]
        first = members[0]
        kind = kind_text(members, [fit.informed(symbol) for symbol in symbols])
        row = (f"`{family}`", values_text(members), range_text(members), str(first.unit))
        rows.append((*row, first.meaning, kind, sources_text(members)))
    return _table(("symbol", "value", "range", "unit", "meaning", "kind", "source"), rows)


def _differences(name: str) -> str:
    entry = description(name)
    found = {item.symbol: item for item in diff(entry.base, name)}
    rows = []
    for family, symbols in families(found).items():
        items = [found[symbol] for symbol in symbols]
        members = _second(items)
        before = _joined([item.first.value for item in items if item.first])
        row = (f"`{family}`", before, values_text(members), range_text(members))
        rows.append((*row, str(items[0].unit), kind_text(members), sources_text(members)))
    heads = ("symbol", f"{entry.base}", name, "range", "unit", "kind", "source")
    text = f"## {name}: what differs from {entry.base}\n\n{entry.notes}\n\n{_table(heads, rows)}"
    if description(entry.base).cancer != entry.cancer:
        text += f"\nEverything else is carried over from {entry.base} (assumed).\n"
    return text


def _second(items: Sequence[Difference]) -> list[Parameter]:
    return [item.second for item in items if item.second]


def _regimens() -> str:
    rows = []
    for name in regimen_names():
        entry = regimen(name)
        parts = []
        for part in (entry.timing, entry.effects, entry.rule):
            texts = []
            for key, number in part.items():
                if isinstance(number, Parameter):
                    unit = "" if str(number.unit) == "-" else f" {number.unit}"
                    texts.append(f"{key} {number.value:g}{unit} ({number.source.kind})")
                else:
                    texts.append(f"{key} = `{number}`")
            parts.append("; ".join(texts))
        rule = f"; only if {entry.rule_specimen}: {parts[2]}" if entry.rule else ""
        who = f"{', '.join(entry.cancers)}; {entry.setting}; {entry.eligibility}"
        rows.append((f"`{name}`", entry.title, who, parts[0] + rule, parts[1], entry.notes))
    return _table(("name", "what", "who", "when", "effects", "notes"), rows)


def _targets(name: str) -> str:
    return f"### {name}\n\n" + _table(
        ("target", "value", "n", "meaning", "use", "source"), map(_target_row, targets(name))
    )


def _target_row(target: Target) -> tuple[str, ...]:
    value = f"{target.value:.3g}"
    if target.ci_low is not None and target.ci_high is not None:
        value += f" ({target.ci_low:g} to {target.ci_high:g})"
    if target.quantity != "probability":
        value = f"{target.quantity} {value}"
    counted = "-" if target.patients is None else str(target.patients)
    if target.positive is not None:
        counted = f"{target.positive} of {counted}"
    use = ("used" if target.used else "held out") + ("" if target.verified else ", remembered")
    cited = f"{target.citation.short}: " if target.citation else ""
    return (f"`{target.name}`", value, counted, target.meaning, use, cited + target.where)


def _papers() -> str:
    keys = {key for name in names() for key in parameter_set(name).citations()}
    keys |= {t.citation.key for name in target_names() for t in targets(name) if t.citation}
    keys = {"sai2018", *keys} & set(bibliography())
    return "\n".join(f"- {line}" for line in reference_list(keys)) + "\n"
