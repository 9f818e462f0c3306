"""``marrowtrace catalog``: what is published, assumed and fitted, with its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from marrowtrace.cli.output import cite_papers, say, write_json, write_table, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marrowtrace.catalog import Regimen
    from marrowtrace.parameters import Parameter

app = typer.Typer(
    help="Published parameter sets, regimens and calibration targets, with their sources.",
    no_args_is_help=True,
)

SCHEMA = "marrowtrace.catalog/1"
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the parameter sets and the regimens."""
    import polars as pl

    from marrowtrace.catalog import description, names, regimen, regimen_names

    models = [description(name).as_row() for name in names()]
    regimens = [regimen(name).as_row() for name in regimen_names()]
    if as_json:
        write_json({"schema": SCHEMA, "models": models, "regimens": regimens})
        return
    heads = ["name", "cancer", "stage", "structure", "base", "title"]
    write_table(pl.DataFrame(models).select(heads), title="Models")
    heads = ["name", "setting", "eligibility", "title"]
    frame = pl.DataFrame([{key: row[key] for key in heads} for row in regimens])
    write_table(frame, title="Regimens")
    say("`marrowtrace catalog show NAME` prints one with its sources.")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of a parameter set or a regimen.")],
    topic: Annotated[
        str | None, typer.Option(help="Only this topic of a parameter set, e.g. marrow.")
    ] = None,
    targets: Annotated[
        bool, typer.Option("--targets", help="The figures the set is held against, instead.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a parameter set or a regimen: values, ranges, units, kinds and sources."""
    from marrowtrace.catalog import models_and_aliases, regimen, regimen_names
    from marrowtrace.errors import did_you_mean

    regimens, models = regimen_names(), models_and_aliases()
    near_regimen = did_you_mean(name, regimens) and not did_you_mean(name, models)
    if name in regimens or (name not in models and near_regimen):
        _show_regimen(regimen(name), as_json=as_json)
    elif targets:
        _show_targets(name, as_json=as_json)
    else:
        _show_model(name, topic, as_json=as_json)


@app.command()
def diff(
    first: Annotated[str, typer.Argument(help="A parameter set.")],
    second: Annotated[str, typer.Argument(help="The parameter set to compare with it.")],
    sources: Annotated[
        bool, typer.Option("--sources", help="Also what differs only in its source.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show in which values or ranges two parameter sets differ."""
    import polars as pl

    from marrowtrace.catalog import diff as differences

    found = differences(first, second, sources=sources)
    if as_json:
        rows = [item.as_row() for item in found]
        write_json({"schema": SCHEMA, "first": first, "second": second, "differences": rows})
        return
    if not found:
        say(f"{first} and {second} have the same values and ranges.")
        return
    shown = [
        {
            "symbol": item.symbol,
            first: item.first.value if item.first else None,
            f"{second} ": item.second.value if item.second else None,
            "unit": str(item.unit),
            "kind": item.second.source.kind if item.second else "",
            "why": item.second.source.where if item.second else "",
        }
        for item in found
    ]
    write_table(pl.DataFrame(shown, infer_schema_length=None), title=f"{first} -> {second}")


def _show_model(name: str, topic: str | None, *, as_json: bool) -> None:
    import polars as pl

    from marrowtrace.catalog import SUBTYPES, calibration, description, parameter_set, topics
    from marrowtrace.catalog.page import (
        families,
        kind_text,
        range_text,
        sources_text,
        values_text,
    )
    from marrowtrace.errors import CatalogError, did_you_mean

    entry, found, by_topic = description(name), parameter_set(name), topics(name)
    if topic is not None and topic not in by_topic:
        hint = did_you_mean(topic, list(by_topic)) or f"; it has: {', '.join(by_topic)}"
        raise CatalogError(f"topic '{topic}' is not in the catalogue{hint}")
    wanted = {topic: by_topic[topic]} if topic is not None else by_topic
    fit = calibration(entry.calibration) if entry.calibration else None
    if as_json:
        rows = [
            {
                "topic": heading,
                **found[symbol].as_row(),
                "canonical": found[symbol].canonical,
                "informed": fit.informed(symbol) if fit else "",
            }
            for heading, symbols in wanted.items()
            for symbol in symbols
        ]
        write_json({"schema": SCHEMA, "model": entry.as_row(), "parameters": rows})
    else:
        rests = f"base {entry.base}" if entry.base else "no base"
        write_text(
            f"{entry.title}\n{entry.notes}\n"
            f"structure {entry.structure}, follow-up from {entry.entry}, {rests}, "
            f"calibration {entry.calibration or 'none'}"
        )
        for heading, symbols in wanted.items():
            rows = []
            for family, members in families(symbols).items():
                parameters = [found[symbol] for symbol in members]
                first = parameters[0]
                informed = [fit.informed(symbol) for symbol in members] if fit else []
                rows.append(
                    {
                        "symbol": family if len(members) == 1 else f"{family}.*",
                        "value": values_text(parameters),
                        "range": range_text(parameters),
                        "unit": str(first.unit),
                        "kind": kind_text(parameters, informed),
                        "meaning": first.meaning,
                        "source": sources_text(parameters),
                    }
                )
            write_table(pl.DataFrame(rows), title=heading)
        say("Values of a symbol.* are those of the subtypes " + ", ".join(SUBTYPES) + ".")
    shown = {symbol for symbols in wanted.values() for symbol in symbols}
    cited = {c.key for s in shown if (c := found[s].source.citation) is not None}
    cite_papers({"sai2018", *cited})


def _show_regimen(entry: Regimen, *, as_json: bool) -> None:
    import polars as pl

    from marrowtrace.catalog import parameter_set

    if as_json:
        write_json({"schema": SCHEMA, "regimen": entry.as_row()})
        return
    write_text(f"{entry.title}\n{entry.notes}")
    write_text(
        f"{', '.join(entry.agents)}; {entry.setting}; for {', '.join(entry.cancers)}; "
        f"eligible: {entry.eligibility}; acts on: {entry.acts_on}"
        + (f"; dose: {entry.dose}" if entry.dose else "")
    )
    planned = entry.plan(parameter_set("early-breast"))
    parts: dict[str, Mapping[str, Parameter]] = {
        "when": planned.timing,
        "effects": planned.effects,
        f"only if {entry.rule_specimen}": planned.rule,
    }
    for heading, numbers in parts.items():
        rows = [
            {
                "what": key,
                "value": number.value,
                "range": f"{number.low:.4g} to {number.high:.4g}",
                "unit": str(number.unit),
                "from": number.symbol,
                "source": str(number.source),
            }
            for key, number in numbers.items()
        ]
        write_table(pl.DataFrame(rows), title=heading)
    say("Values of the set's symbols are those of early-breast.")
    every = [number for numbers in parts.values() for number in numbers.values()]
    cite_papers({"sai2018", *(c.key for p in every if (c := p.source.citation) is not None)})


def _show_targets(name: str, *, as_json: bool) -> None:
    import polars as pl

    from marrowtrace.catalog import description
    from marrowtrace.catalog import targets as targets_of

    found = targets_of(name)
    rows = [target.as_row() for target in found]
    if as_json:
        write_json({"schema": SCHEMA, "model": description(name).as_row(), "targets": rows})
    else:
        shown = ("name", "quantity", "value", "ci_low", "ci_high", "used", "verified", "citation")
        frame = pl.DataFrame([{key: row[key] for key in shown} for row in rows])
        write_table(frame, title=f"Figures that {name} is held against")
    cite_papers({"sai2018", *(t.citation.key for t in found if t.citation)})
