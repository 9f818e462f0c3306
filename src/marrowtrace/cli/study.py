"""``marrowtrace study``: the bundled studies, and writing and checking one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from marrowtrace.cli.output import say, write_json, write_table, write_text

if TYPE_CHECKING:
    from marrowtrace.study.protocol import Protocol

app = typer.Typer(
    help="Study protocols: list those that are bundled, write and check your own.",
    no_args_is_help=True,
)
_JSON = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]


@app.command("list")
def list_(as_json: _JSON = False) -> None:
    """List the bundled studies."""
    import polars as pl

    from marrowtrace.study.bundled import heading, names

    rows: list[dict[str, Any]] = []
    for name in names():
        top = heading(name)
        rows.append(
            {
                "name": name,
                "title": top["title"],
                "cancer": top["cancer"],
                "patients": top["patients"],
                "arms": len(top["arms"]),
                "question": top["question"],
            }
        )
    if as_json:
        write_json({"schema": "marrowtrace.study-list/1", "studies": rows})
        return
    write_table(pl.DataFrame(rows).drop("question"))
    say("Run one with: marrowtrace run NAME -o FOLDER")


@app.command()
def show(
    study: Annotated[str, typer.Argument(help="A bundled study, or a TOML file.")],
    as_json: _JSON = False,
) -> None:
    """Print a study: the commented file as it stands, or as JSON with everything filled in."""
    from marrowtrace.study.bundled import study as find_study
    from marrowtrace.study.bundled import text
    from marrowtrace.study.protocol_record import to_record

    if as_json:
        write_json({"schema": "marrowtrace.study/1", **to_record(find_study(study))})
        return
    path = Path(study)
    write_text(path.read_text(encoding="utf-8") if path.is_file() else text(study))


@app.command()
def check(
    study: Annotated[str, typer.Argument(help="A TOML file, or a bundled study.")],
    as_json: _JSON = False,
) -> None:
    """Read a study whole and list everything that is wrong with it."""
    from marrowtrace.study.bundled import study as find_study

    found = find_study(study)
    if as_json:
        write_json({"schema": "marrowtrace.study-check/1", "study": found.name, "problems": []})
    say(f"'{study}' is in order: {_summary(found)}")


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help="The TOML file to write.")],
    like: Annotated[
        str, typer.Option("--from", help="A bundled study to start from instead of the guide.")
    ] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Write over a file that is there.")
    ] = False,
) -> None:
    """Write a commented protocol to start from: every field, with what it may hold."""
    from marrowtrace.study.new_file import write_new

    write_new(file, like=like, replace=replace)
    say(f"'{file}' written; change it, then: marrowtrace study check {file}")


def _summary(protocol: Protocol) -> str:
    count = len(protocol.arms)
    return (
        f"{protocol.patients:,} patients of '{protocol.cancer}', {count} arm{'s'[: count - 1]}, "
        f"{len(protocol.visits)} visits, {len(protocol.endpoints)} endpoints, "
        f"{len(protocol.published)} published figures."
    )
