"""The page on expression: what may be compared, what was found, and what was refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from marrowtrace.expression.analysis import Analysis, MatrixResult
from marrowtrace.expression.calls import ABSTAIN, AXES
from marrowtrace.expression.differential import Comparison
from marrowtrace.expression.programs import conflicts
from marrowtrace.expression.review import against
from marrowtrace.expression.simulator_input import simulator_toml
from marrowtrace.plotting.design_diagram import draw_design
from marrowtrace.plotting.expression_heatmap import MOST_SAMPLES, draw_heatmap
from marrowtrace.plotting.score_distribution import draw_scores
from marrowtrace.plotting.style import image_bytes
from marrowtrace.plotting.volcano import draw_volcano
from marrowtrace.provenance import Provenance
from marrowtrace.report.page import Block, Figure, Items, Page, Paragraph, Section, Table
from marrowtrace.storage import atomic_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

NAMED = ("MKI67", "CDKN1B", "SPP1", "PRDM16", "TGFB2", "B2M", "HLA-A", "CDH1", "VIM", "NR2F1",
         "EPCAM", "ERBB2", "AXL", "TYRO3")  # fmt: skip
_DISPUTED = ("ASNS", "ATF4", "POSTN", "TGFBR1")
_MAIN = ("tumour_cell", "tumour_bulk")


def write_expression(
    analysis: Analysis, folder: Path, *, provenance: Provenance, replace: bool = False
) -> None:
    """Write ``results.json``, ``report.html``, tables, figures and the simulator input to a folder.

    Parameters
    ----------
    analysis : Analysis
    folder : pathlib.Path
    provenance : Provenance
    replace : bool
        Whether a folder that is there may be replaced.

    Raises
    ------
    OutputError
        If the folder is there already, or cannot be written.
    """
    with atomic_folder(folder, replace=replace) as place:
        figures = _figures(analysis)
        (place / "figures").mkdir()
        for name, drawing in figures.items():
            for form in ("svg", "png", "pdf"):
                (place / "figures" / f"{name}.{form}").write_bytes(image_bytes(drawing, form=form))
        for name, table in _tables(analysis).items():
            table.write_csv(place / f"{name}.csv")
        for name, text in _simulator_files(analysis).items():
            (place / name).write_text(text, encoding="utf-8")
        payload = {**analysis.to_json(), "provenance": provenance.to_json()}
        text = json.dumps(payload, indent=2, ensure_ascii=False, allow_nan=False)
        (place / "results.json").write_text(text + "\n", encoding="utf-8")
        page = expression_page(analysis, figures=figures, provenance=provenance)
        (place / "report.html").write_text(page.html(), encoding="utf-8")


def expression_page(
    analysis: Analysis, *, figures: dict[str, Drawing], provenance: Provenance
) -> Page:
    """Return the page of an analysis.

    Parameters
    ----------
    analysis : Analysis
    figures : dict of str to matplotlib.figure.Figure
        As drawn for the folder.
    provenance : Provenance
    """
    sections = [
        Section("In short", _summary(analysis)),
        Section("What may be compared", _design_blocks(analysis, figures)),
        Section("Quality", _quality_blocks(analysis)),
        Section("Expression by program", _heatmap_blocks(analysis, figures)),
        Section("Scores", _score_blocks(analysis, figures)),
    ]
    if any(each.calls is not None for each in analysis.matrices):
        sections.append(Section("Calls and fractions", _call_blocks(analysis)))
    if analysis.comparisons:
        sections.append(Section("Genes that differ", _gene_blocks(analysis, figures)))
    if analysis.statements:
        sections.append(Section("Against the review", _review_blocks(analysis)))
    sections.append(Section("How it was done", _method_blocks(analysis)))
    names = ", ".join(each.expression.name for each in analysis.matrices)
    return Page(
        title="Expression of tumour cells",
        subtitle=names,
        sections=sections,
        papers=provenance.citations,
        provenance={
            "Made by": f"{provenance.action}, {provenance.created}",
            "Files": "; ".join(f"{s.name} (SHA-256 {s.sha256[:12]})" for s in provenance.sources),
        },
    )


def _figures(analysis: Analysis) -> dict[str, Drawing]:
    """Every figure, by the name of its file."""
    out: dict[str, Drawing] = {}
    if analysis.design is not None:
        drawn = draw_design(analysis.design).get_figure(root=True)
        assert drawn is not None
        out["design"] = drawn
    types = analysis.samples.column("type")
    homes = analysis.samples.table["matrix"].to_list()
    for k, result in enumerate(analysis.matrices):
        rows = [i for i, home in enumerate(homes) if home == result.expression.name]
        bars: dict[str, list[str]] = {}
        for column in ("type", "study", "patient"):
            values = analysis.samples.column(column)
            if values is not None and 1 < len({values[i] for i in rows}) < min(25, len(rows)):
                bars[column] = [values[i] for i in rows]
        if result.calls is not None:
            bars["EMT"] = result.calls.table["epithelial_mesenchymal"].to_list()
            bars["cycle"] = result.calls.table["cycle"].to_list()
        if len(rows) > 2:
            out[f"heatmap-{k + 1}"] = draw_heatmap(result.expression, bars)
        if result.scores is not None:
            kinds = None if types is None else [types[i] for i in rows]
            out[f"scores-{k + 1}"] = draw_scores(result.scores, kinds)
    for k, comparison in enumerate(analysis.comparisons):
        drawn = draw_volcano(comparison, named=NAMED).get_figure(root=True)
        assert drawn is not None
        out[f"volcano-{k + 1}"] = drawn
    return out


def _tables(analysis: Analysis) -> dict[str, pl.DataFrame]:
    """Every table, by the name of its file."""
    out = {"samples": analysis.samples.table}
    quality = [
        each.quality.table.with_columns(pl.col("flags").list.join(";"))
        for each in analysis.matrices
    ]
    out["quality"] = pl.concat(quality, how="diagonal_relaxed")
    scored = [
        each.scores.long().with_columns(pl.lit(each.expression.name).alias("matrix"))
        for each in analysis.matrices
        if each.scores is not None
    ]
    if scored:
        out["scores"] = pl.concat(scored)
    called = [each.calls.table for each in analysis.matrices if each.calls is not None]
    if called:
        out["calls"] = pl.concat(called)
    for comparison in analysis.comparisons:
        name = f"genes-{comparison.study}-{comparison.second}-against-{comparison.first}"
        out[_file_name(name)] = comparison.table
    for name, table in analysis.pooled.items():
        out[_file_name(f"pooled-{name}")] = table
    return out


def _file_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name)


def _simulator_files(analysis: Analysis) -> dict[str, str]:
    out = {}
    for result in analysis.matrices:
        for kind, fractions in result.fractions.items():
            what = "cells" if kind == "all" else f"{kind} cells"
            name = _file_name(f"fractions-{result.expression.name}-{kind}.toml")
            out[name] = simulator_toml(fractions, source=result.expression.name, what=what)
    return out


def _summary(analysis: Analysis) -> list[Block]:
    """The answer in a few sentences."""
    said = []
    for result in analysis.matrices:
        kind = "cells" if result.cells else "samples"
        flagged = int((result.quality.table["flags"].list.len() > 0).sum())
        said.append(
            f"{result.expression.name}: {len(result.expression.samples):,} {kind}, "
            f"{len(result.expression.genes):,} genes, {result.expression.species}, values on the "
            f"scale '{result.expression.scale}'"
            + (f"; {flagged} of the cells carry a flag." if result.cells else ".")
        )
    said += [
        f"{_named(comparison)}: {comparison.significant:,} of {comparison.table.height:,} genes "
        "differ at a false discovery rate of 0.05."
        for comparison in analysis.comparisons
    ]
    said += [f"Refused: {refusal.reason}" for refusal in analysis.refused]
    contrary = against(analysis.statements)
    if contrary:
        genes = ", ".join(dict.fromkeys(s.gene for s in contrary))
        said.append(f"Against the review's section 5: {genes}.")
    blocks: list[Block] = []
    if analysis.forced:
        blocks.append(
            Paragraph("These data failed their quality check and were used by force.", lead=True)
        )
    return [*blocks, Items(said)]


def _design_blocks(analysis: Analysis, figures: dict[str, Drawing]) -> list[Block]:
    design = analysis.design
    if design is None:
        return [Paragraph(note) for note in analysis.notes[-1:]]
    needed = design.rank_batches + design.rank_types - 1
    rows = [
        {
            "contrast": f"{c.second} against {c.first}",
            "answer": "yes" if c.identifiable else "refused",
            "within": ", ".join(c.within) or "\N{EN DASH}",
            "efficiency": c.efficiency,
            "reason": c.reason,
        }
        for c in design.contrasts
    ]
    return [
        Paragraph(
            f"The design has rank {design.rank_both}; the batches (rank {design.rank_batches}) and "
            f"{design.rank_types} types need {needed} to be told apart"
            + (", which they are." if design.rank_both == needed else ", which they cannot be.")
        ),
        Figure(
            image_bytes(figures["design"]),
            "Number of samples of each type in each study",
            caption="Samples of each type by study. Circles on one line can be compared within "
            "their study; a square is the only type of its study.",
        ),
        Table(pl.DataFrame(rows), caption="Contrasts", cards=True),
        Paragraph(
            "Efficiency: the variance of a balanced design of the same size over that of this one.",
            note=True,
        ),
    ]


def _quality_blocks(analysis: Analysis) -> list[Block]:
    rows = []
    notes = []
    for result in analysis.matrices:
        table = result.quality.table
        row: dict[str, object] = {
            "matrix": result.expression.name,
            "samples": table.height,
            "genes detected (median)": float(table["genes_detected"].median() or 0),  # type: ignore[arg-type]
            "housekeeping": float(table["housekeeping"].median() or 0),  # type: ignore[arg-type]
        }
        counts = result.quality.to_json()["flags"]
        for flag in ("leukocyte", "platelet", "erythroid", "plasma_cell", "stroma", "shallow"):
            row[flag.replace("_", " ")] = counts.get(flag, 0) if result.cells else None
        rows.append(row)
        notes += [f"{result.expression.name}: {n}" for n in result.quality.notes]
        notes += [f"FAILED, used by force: {fault}" for fault in result.quality.faults]
    return [
        Table(
            pl.DataFrame(rows),
            caption="Samples and the flags they carry",
            cards=True,
            footnotes=[
                "Housekeeping: median share of reference genes detected. A cell is flagged for "
                "platelets where 40 % of the platelet genes stand above the median of the genes it "
                "expresses; leukocytes by CD45 (PTPRC) above that median. Thresholds are assumed. "
                "Bulk samples are not flagged."
            ],
        ),
        Items(notes),
    ]


def _heatmap_blocks(analysis: Analysis, figures: dict[str, Drawing]) -> list[Block]:
    out: list[Block] = []
    for k, result in enumerate(analysis.matrices):
        name = f"heatmap-{k + 1}"
        if name not in figures:
            continue
        size = len(result.expression.samples)
        cut = f" {MOST_SAMPLES} of {size:,} samples are shown." if size > MOST_SAMPLES else ""
        out.append(
            Figure(
                image_bytes(figures[name], form="png"),
                f"Heatmap of {result.expression.name}",
                caption=f"{result.expression.name}: standardised expression, genes by program, "
                f"samples clustered.{cut}",
                wide=True,
            )
        )
    if len(analysis.matrices) > 1:
        out.append(
            Paragraph(
                "Each matrix is standardised by itself. Colours of two cannot be compared: "
                "which of the two is higher was taken out together with the study."
            )
        )
    return out or [Paragraph("Too few samples for a heatmap.")]


def _score_blocks(analysis: Analysis, figures: dict[str, Drawing]) -> list[Block]:
    out: list[Block] = []
    for k, result in enumerate(analysis.matrices):
        scores = result.scores
        if scores is None:
            continue
        out.append(
            Figure(
                image_bytes(
                    figures[f"scores-{k + 1}"],
                    form="png" if len(scores.samples) > MOST_SAMPLES else "svg",
                ),
                f"Scores of programs in {result.expression.name}",
                caption=f"{result.expression.name}: programs against random sets of genes of the "
                "same expression. Bars are medians.",
                wide=True,
            )
        )
        shown = scores.table.filter(pl.col("scope").is_in(list(_MAIN)))
        if scores.depth is None:
            shown = shown.drop("depth_slope", "rho_depth_raw", "rho_depth_matched")
        out.append(
            Table(
                _with_aucs(shown.drop("scope"), analysis, result),
                caption=f"Programs in {result.expression.name}",
                headings={
                    "genes": "genes", "found": "found", "unchecked": "not re-checked",
                    "depth_slope": "slope on depth", "rho_depth_raw": "rho raw, depth",
                    "rho_depth_matched": "rho matched, depth",
                },
                digits=2,
                footnotes=_auc_notes(analysis, result),
            )
        )  # fmt: skip
    return out or [Paragraph("Too few samples for scores.")]


def _with_aucs(table: pl.DataFrame, analysis: Analysis, result: MatrixResult) -> pl.DataFrame:
    """The table of programs with the AUCs of the first contrast of this matrix."""
    effects = _first_effects(analysis, result)
    if effects is None:
        return table
    return table.join(
        effects.select(
            "program",
            pl.col("auc_raw").alias("AUC raw"),
            pl.col("auc_matched").alias("AUC matched"),
            pl.col("auc_corrected").alias("AUC less depth"),
        ),
        on="program", how="left", maintain_order="left",
    )  # fmt: skip


def _first_effects(analysis: Analysis, result: MatrixResult) -> pl.DataFrame | None:
    effects = analysis.program_effects
    if not effects.height:
        return None
    mine = effects.filter(pl.col("matrix") == result.expression.name)
    if not mine.height:
        return None
    return mine.filter(
        (pl.col("first") == mine["first"][0]) & (pl.col("second") == mine["second"][0])
    )


def _auc_notes(analysis: Analysis, result: MatrixResult) -> list[str]:
    out = [
        "Slope on depth: change of the matched score per standard deviation of the number of genes "
        "detected; 'less depth' takes that line out, and with it what types share with depth."
    ]
    effects = _first_effects(analysis, result)
    if effects is not None:
        depth = effects["auc_depth"][0]
        out.append(
            f"AUC: chance that {effects['second'][0]} scores above {effects['first'][0]}."
            + (
                f" The number of genes detected alone reaches {depth:.2f}."
                if depth is not None
                else ""
            )
        )
    return out


def _call_blocks(analysis: Analysis) -> list[Block]:
    out: list[Block] = []
    for result in analysis.matrices:
        if result.calls is None:
            continue
        rows = []
        for axis in AXES:
            counts = result.calls.counts(axis)
            rows.append(
                {
                    "axis": axis.replace("_", " "),
                    "called": ", ".join(f"{n} {s}" for s, n in counts.items() if s != ABSTAIN),
                    ABSTAIN: counts[ABSTAIN],
                }
            )
        out.append(
            Table(pl.DataFrame(rows), caption=f"Calls in {result.expression.name}",
                  footnotes=result.calls.notes)
        )  # fmt: skip
        fractions = [
            {
                "type": kind,
                "state": f"{axis.replace('_', ' ')}: {state}",
                "fraction": f.mean,
                "from": f.low,
                "to": f.high,
                "patients": f.patients,
                "called cells": f.cells,
            }
            for kind, found in result.fractions.items()
            for (axis, state), f in found.items()
            if len(AXES[axis]) > 2 or state == AXES[axis][0] or axis == "cycle"
        ]
        if fractions:
            out.append(
                Table(
                    pl.DataFrame(fractions), digits=2,
                    caption=f"Fractions of the called cells in {result.expression.name}",
                    footnotes=[
                        "Mean over patients with its 95 % interval (beta-binomial, profile "
                        "likelihood; exact binomial where there is one patient). The same figures "
                        "are in fractions-*.toml, in the form the simulator reads."
                    ],
                )
            )  # fmt: skip
        if result.discordance:
            out.append(
                Table(
                    pl.DataFrame(list(result.discordance), infer_schema_length=None),
                    caption=f"Receptors of cells and of the primary, {result.expression.name}",
                    headings={"cells_called": "cells called", "cells_positive": "positive"},
                    footnotes=["Discordant: called cells whose receptor differs from the primary."],
                )
            )
    return out


def _gene_blocks(analysis: Analysis, figures: dict[str, Drawing]) -> list[Block]:
    out: list[Block] = []
    for k, comparison in enumerate(analysis.comparisons):
        out.append(
            Figure(
                image_bytes(figures[f"volcano-{k + 1}"]),
                f"Volcano plot of {_named(comparison)}",
                caption=f"{_named(comparison)}: {comparison.method}, {comparison.units[0]} and "
                f"{comparison.units[1]} {'pairs' if comparison.paired else 'units'}.",
            )
        )
        if comparison.notes:
            out.append(Items(comparison.notes))
        top = comparison.table.head(12).select("gene", "effect", "se", "p", "fdr")
        out.append(
            Table(top, caption=f"First genes, {_named(comparison)}",
                  headings={"effect": "log2 change", "se": "SE", "p": "P", "fdr": "FDR"})
        )  # fmt: skip
    for name, table in analysis.pooled.items():
        out.append(Table(table.head(20), caption=f"{name}, pooled over studies (random effects)"))
    return out


def _named(comparison: Comparison) -> str:
    return f"{comparison.second} against {comparison.first} in {comparison.study}"


def _review_blocks(analysis: Analysis) -> list[Block]:
    rows = [
        {
            "comparison": s.comparison,
            "section": s.section,
            "the review says": s.says,
            "gene": s.gene,
            "expected": "up" if s.expected > 0 else "down",
            "log2 change": s.effect,
            "FDR": s.fdr,
            "verdict": s.verdict,
        }
        for s in analysis.statements
    ]
    return [
        Paragraph(
            "What the review says of dormant and disseminated cells, beside what was measured. "
            "One cell line or series neither proves nor refutes it."
            + (
                " Most genes moved in a comparison above, so a single gene may only follow a "
                "shift of the whole transcriptome."
                if any("shift" in note for c in analysis.comparisons for note in c.notes)
                else ""
            )
        ),
        Table(pl.DataFrame(rows), cards=True),
    ]


def _method_blocks(analysis: Analysis) -> list[Block]:
    notes = [f"{m.expression.name}: {n}" for m in analysis.matrices for n in m.expression.notes]
    notes += [f"{m.expression.name}: {m.expression.logged()[1]}" for m in analysis.matrices]
    notes += list(analysis.notes)
    disputed = conflicts()
    return [
        Items(notes),
        Paragraph(
            f"{len(disputed)} genes are wanted high by one program and low by another, among them "
            + "; ".join(f"{g}: {', '.join(disputed[g])}" for g in _DISPUTED if g in disputed)
            + ". 'Not re-checked' counts genes of a program that were taken from the literature "
            "without being looked up again.",
            note=True,
        ),
    ]  # fmt: skip
