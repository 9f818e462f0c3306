"""One patient's dissemination on one page: verdict, lineages, tree, migrations, overlap, timing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from marrowtrace.phylogeny.dissemination import Dissemination
from marrowtrace.phylogeny.migration import UNKNOWN
from marrowtrace.phylogeny.resolution import prospect_table
from marrowtrace.plotting.clone_tree import cell_tree, clone_tree
from marrowtrace.plotting.dissemination_modes import dissemination_modes, support_bars
from marrowtrace.plotting.fish_plot import clones_of, fish_plot
from marrowtrace.plotting.migration_graph import migration_graph
from marrowtrace.plotting.overlap_heatmap import overlap_heatmap
from marrowtrace.plotting.site_colours import words
from marrowtrace.plotting.style import image_bytes
from marrowtrace.report.page import Block, Figure, Items, Page, Paragraph, Section, Table

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

PAPERS = ("sai2018", "hu2020")
_MEANING: Mapping[str, str] = {
    "linear": "the cells left late: they carry the primary's trunk to its last clone",
    "parallel": "the cells left early: they lack mutations that the whole primary gained since",
    "mixed": "some lineages left early and some late",
    "undetermined": "the data cannot tell early from late departure",
}
_LINEAGE: dict[str, str] = {
    "trunk": "trunk mutations looked at", "lacking": "of these lacking",
    "early": "probability early", "fraction": "share of the trunk at departure, if early",
    "fraction_low": "low", "fraction_high": "high", "counted": "counts",
}  # fmt: skip
_TIMES = {
    "primary_private": "Lp", "site_private": "Lm", "shared_subclonal": "Ws", "jsi": "JSI",
    "jsi_low": "JSI low", "jsi_high": "JSI high", "seeded": "seeded [year]",
    "seeded_low": "low", "seeded_high": "high", "apart": "apart [year]", "apart_low": "low ",
    "apart_high": "high ",
}  # fmt: skip
_PLANS = {
    "trunk": "trunk mutations", "linear": "linear patients judged rightly",
    "parallel": "parallel patients judged rightly", "right": "of verdicts given, right",
}  # fmt: skip


def phylogeny_page(found: Dissemination, *, provenance: Mapping[str, str] | None = None) -> Page:
    """Put everything that was found of a patient on one page.

    Parameters
    ----------
    found : Dissemination
    provenance : mapping of str to str, optional
        What made the page, for its footer.
    """
    patient = found.comparison.patient
    sections = [_answer(found), _lineages(found)]
    if found.prospects:
        sections.append(_open_question(found))
    if found.tree is not None:
        sections.append(_cells(found))
    if found.histories is not None:
        sections.append(_migrations(found))
    sections.append(_overlap(found))
    if found.times is not None:
        sections.append(_timing(found))
    sections.append(_method(found))
    known = "not known" if patient.primary == UNKNOWN else words(patient.primary)
    return Page(
        title=f"{patient.name}: when the cells left, and who seeded whom",
        subtitle=f"{len(patient.sites)} sites; primary: {known}",
        sections=sections,
        papers=PAPERS,
        provenance=provenance or {},
    )


def _readable(frame: pl.DataFrame) -> pl.DataFrame:
    """Names of sites as words."""
    import polars as pl

    return frame.with_columns(pl.col(pl.String).str.replace_all("_", " "))


def _figure(ax: Axes, alt: str, caption: str = "", *, wide: bool = True) -> Figure:
    figure = ax.get_figure(root=True)
    assert figure is not None
    return Figure(image_bytes(figure), alt, caption=caption, wide=wide)


def _answer(found: Dissemination) -> Section:
    verdict = found.verdict
    given = verdict.verdict != "undetermined"
    support = f" (support {verdict.support[verdict.verdict]:.2f})" if given else ""
    blocks: list[Block] = [
        Paragraph(
            f"Dissemination: {verdict.verdict}{support}: {_MEANING[verdict.verdict]}.", lead=True
        ),
        Items([_sentence(reason) for reason in verdict.reasons]),
        _figure(
            support_bars(verdict),
            "Support of linear, parallel and mixed: "
            + ", ".join(f"{name} {value:.2g}" for name, value in verdict.support.items()),
            f"Support of each mode. A verdict is given from {verdict.threshold:g} on (dashed).",
            wide=False,
        ),
    ]
    if found.comparison.notes:
        blocks.append(Items([_sentence(note) for note in found.comparison.notes], note=True))
    return Section("In short", blocks)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _sentence(text: str) -> str:
    text = text.replace("_", " ")
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "!")) else ".")


def _lineages(found: Dissemination) -> Section:
    verdict = found.verdict
    if not verdict.lineages:
        return Section(
            "Where each lineage left",
            [Paragraph("Without a primary to hold them against, no departure can be placed.")],
        )
    late = sum(each.departure.early < 0.5 for each in verdict.lineages if each.counted)
    counted = sum(each.counted for each in verdict.lineages)
    return Section(
        "Where each lineage left",
        [
            _figure(
                dissemination_modes(verdict),
                f"The primary's trunk as an arrow; {late} of {counted} lineages that count leave "
                "it at its end, the others before.",
                "The review's Figure 1 from this patient's data: lineages that leave at the end of "
                "the trunk are linear, those that leave before are parallel. The bar is the 95 % "
                "interval of the place if it was early. Pale: too few cells to count.",
            ),
            Table(
                _readable(verdict.table()),
                headings=_LINEAGE | ({"cells": "samples"} if found.tree is None else {}),
                cards=True,
            ),
        ],
    )


def _open_question(found: Dissemination) -> Section:
    return Section(
        "What would resolve it",
        [
            Paragraph(
                "Simulated patients with the same trunk, cells and errors, and with other designs: "
                "how many would get the right verdict."
            ),
            Table(prospect_table(found.prospects), headings=_PLANS, cards=True),
            Paragraph("The trunk is taken as known here, so these are upper bounds.", note=True),
        ],
    )


def _cells(found: Dissemination) -> Section:
    tree = found.tree
    assert tree is not None
    primary = found.comparison.patient.primary
    blocks: list[Block] = [
        Paragraph(
            f"{len(tree.cells)} cells, {len(tree.cells.mutations)} mutations; estimated false "
            f"positives {tree.errors.false_positive:.2g}, dropout {tree.errors.false_negative:.2g}"
            f"; log-likelihood {tree.log_likelihood:.1f}."
        ),
        _figure(
            cell_tree(tree, primary=primary),
            "Tree of cells; branches are labelled with mutations, cells are coloured by site.",
            "Most likely tree. Branches are as long as they have mutations; in brackets the share "
            "of sampled trees that hold the clade (grey below 0.9).",
        ),
    ]
    shares, parents, names, sites = clones_of(tree, primary)
    if names:
        blocks.append(
            _figure(
                fish_plot(shares, parents, names, sites),
                "Nested clones as shares of each site's cells.",
                "Fish plot by site: share of each site's cells below each branch.",
            )
        )
    return Section("Tree of the cells", blocks)


def _migrations(found: Dissemination) -> Section:
    histories = found.histories
    assert histories is not None
    best = histories.best
    graph = best.graph
    source = (
        "the clone tree given"
        if found.comparison.migrations is not None
        else ("the clones of the cell tree")
    )
    blocks: list[Block] = [
        Paragraph(
            f"Fewest migrations on {source}: {_count(graph.n_migrations, 'migration')}, "
            f"{_count(graph.n_comigrations, 'comigration')}, "
            f"{_count(len(graph.seeding_sites), 'seeding site')}; "
            f"{graph.pattern} ({graph.pattern_words})."
        )
    ]
    if graph.self_seeding:
        blocks.append(Paragraph("The primary is seeded again from another site (self-seeding)."))
    if graph.marrow_seeds:
        names = ", ".join(words(site) for site in graph.marrow_seeds)
        blocks.append(Paragraph(f"Bone marrow is a source: {names}."))
    if graph.migrations:
        blocks.append(
            _figure(
                migration_graph(graph),
                "Sites as points, migrations as arrows: "
                + ", ".join(f"{words(s)} to {words(t)}" for s, t in graph.migrations),
                "One history of least cost; arrows are as broad as they have migrations.",
            )
        )
    pairs = histories.pair_table()
    if pairs["share"].is_null().all():
        pairs = pairs.drop("share")
    blocks.append(
        _figure(
            clone_tree(best),
            "Clone tree; nodes are coloured by site, dashed edges are migrations.",
            "Clones split over sites; dashed edges are migrations.",
        )
    )
    blocks.append(
        Table(
            _readable(pairs),
            caption="Who seeded whom",
            headings={"share": "share of listed histories", "in_all": "in all histories"},
        )
    )
    if found.rootings is not None:
        blocks.append(Paragraph(_sentence(f"origin: {found.rootings.statement}")))
        blocks.append(Table(_readable(found.rootings.table()), caption="Each site as the primary"))
    return Section("Who seeded whom", blocks)


def _overlap(found: Dissemination) -> Section:
    overlap = found.comparison.overlap
    table = overlap.table()
    primary = found.comparison.patient.primary
    blocks: list[Block] = [
        _figure(
            overlap_heatmap(overlap),
            "Per cent of each site's mutations that each other site carries.",
            "Per cent of the row's mutations that the column carries, of those that could be seen.",
        )
    ]
    if primary != UNKNOWN:
        import polars as pl

        rows = table.filter((pl.col("source") == primary) & (pl.col("group") != "subclonal"))
        columns = ["target", "group", "mutations", "shared", "lost", "unknown", "share", "low",
                   "high", "corrected"]  # fmt: skip
        blocks.append(
            Table(
                _readable(rows.select(columns)),
                caption=f"Mutations of {words(primary)} found elsewhere",
                headings={"corrected": "share, corrected for dropout and coverage"},
                cards=True,
            )
        )
    return Section("What the sites share", blocks)


def _timing(found: Dissemination) -> Section:
    times = found.times
    assert times is not None
    table = times.table()
    shown = [name for name in table.columns if not table[name].is_null().all()]
    notes = [
        "Lp and Lm: clonal mutations of the primary and of the site that the other surely lacks. "
        "Ws: mutations subclonal in both. JSI = Ws/(Ws + Lp + Lm) with its 95 % interval (Hu "
        "2020): high values speak for seeding by several clones.",
    ]
    if "seeded" not in shown and "apart" not in shown:
        notes.append(
            "Years need a clock: the years of the primary's expansion (--expansion) or mutations a "
            "year (--clock)."
        )
    else:
        notes += sorted(
            {t.meaning for each in times.sites for t in (each.seeded, each.apart) if t is not None}
        )
    return Section(
        "When",
        [Table(_readable(table.select(shown)), headings=_TIMES, footnotes=notes, cards=True)],
    )


def _method(found: Dissemination) -> Section:
    bulk = found.tree is None
    unit = "samples" if bulk else "cells"
    return Section(
        "How this was judged",
        [
            Paragraph(
                f"Each lineage of {unit} outside the primary is held against the primary's trunk, "
                "the mutations that all of the primary carries. A late departure carries the whole "
                "trunk but for losses (2 % of it on average) and may nest in a part of the "
                "primary; an early one happened after a share of the trunk that is uniform "
                "beforehand, and carries nothing that arose later in the primary unless cells came "
                f"back to it ({20 if bulk else 5} %). Linear and parallel are equally likely "
                "beforehand; mixed has 0.1 where there are several lineages. These "
                "numbers are assumed."
            ),
            Paragraph(
                "Support is a probability under these assumptions. On simulated patients who "
                "follow them 95 % of the verdicts given at 0.9 or more were right; "
                "mixed dissemination was seldom recognised.",
                note=True,
            ),
        ],
    )
