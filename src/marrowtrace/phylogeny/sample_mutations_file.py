"""Mutations of bulk samples from a table: reads or cancer cell fractions, one row each.

Columns, in any case and order: ``sample``, ``site`` and ``mutation``; reads as ``alternative`` (or
alt, var, mutated) with ``total`` (or depth) or ``reference`` (or ref, wt); ``ccf``; ``purity``;
``copy_number``; ``time`` [day]. A pair of sample and mutation without a row was not looked at.
MACHINA's and SPRUCE's tables of reads (three lines of sizes on top, then ``#sample_index
sample_label ...``) are read as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from marrowtrace.errors import CohortError, InputFileError, ProblemList
from marrowtrace.phylogeny.sample_mutations import Fractions, SampleMutations
from marrowtrace.phylogeny.text_table import TextTable, read_lines, read_text_table

SAMPLE = ("sample", "sample_label", "sample_id", "tumor_sample_barcode")
SITE = ("site", "anatomical_site_label", "sample_site")
MUTATION = ("mutation", "character_label", "mutation_id", "variant")
ALTERNATIVE = ("alternative", "alt", "var", "mutated", "t_alt_count", "alt_counts", "var_counts")
TOTAL = ("total", "depth", "t_depth", "total_counts")
REFERENCE = ("reference", "ref", "wt", "t_ref_count", "ref_counts")
PURITY = ("purity", "tumour_content", "cellularity")
COPIES = ("copy_number", "major_cn", "total_cn")
CCF = ("ccf", "cancer_cell_fraction", "cellular_prevalence")
HEAD_LINES = 3


def read_sample_mutations(path: Path | str) -> SampleMutations:
    """Read a table of mutations by sample.

    Raises
    ------
    MissingFileError
        If the file does not exist.
    InputFileError
        If columns are missing, or listing the lines whose values are impossible: no numbers,
        negative reads, fractions above 1, two rows for one sample and mutation, two sites or
        purities for one sample.
    """
    name = Path(path).name
    sized = read_lines(path)[0].split("#")[-1].strip() == "anatomical sites"
    table = read_text_table(path, skip=HEAD_LINES if sized else 0)
    problems = ProblemList()
    of_sample = table.text(SAMPLE)
    samples = tuple(dict.fromkeys(of_sample))
    of_mutation = table.text(MUTATION)
    mutations = tuple(dict.fromkeys(of_mutation))
    rows = {sample: row for row, sample in enumerate(samples)}
    columns = {mutation: column for column, mutation in enumerate(mutations)}
    at = [(rows[s], columns[m]) for s, m in zip(of_sample, of_mutation, strict=True)]
    _refuse_repeats(table, at, problems)
    site_of = _one_each(table, of_sample, table.text(SITE), problems)
    alternative, total = _reads(table, problems)
    ccf = table.numbers(CCF, problems, required=False)
    purity = _each_sample(table, of_sample, PURITY, problems)
    times = _each_sample(table, of_sample, ("time", "day"), problems)
    copies = table.numbers(COPIES, problems, required=False)
    if total is None and ccf is None:
        problems.add("header", "has neither reads (alternative and total) nor ccf")
    problems.raise_any(InputFileError, f"'{name}'")

    def spread(values: Sequence[float] | None, empty: float) -> Fractions | None:
        if values is None:
            return None
        grid = np.full((len(samples), len(mutations)), empty)
        for place, value in zip(at, values, strict=True):
            grid[place] = value
        return grid

    deep, mutated = spread(total, 0.0), spread(alternative, 0.0)
    try:
        return SampleMutations(
            samples,
            tuple(site_of[sample] for sample in samples),
            mutations,
            alternative=None if mutated is None else np.nan_to_num(mutated).astype(np.int32),
            total=None if deep is None else np.nan_to_num(deep).astype(np.int32),
            ccf=spread(ccf, np.nan),
            purity=None if purity is None else np.array([purity[s] for s in samples]),
            copy_number=spread(copies, np.nan),
            times=None if times is None else np.array([times[s] for s in samples]),
        )
    except CohortError as err:
        raise InputFileError(f"'{name}': {err}") from err


def _refuse_repeats(table: TextTable, at: Sequence[tuple[int, int]], problems: ProblemList) -> None:
    seen: dict[tuple[int, int], int] = {}
    for place, line in zip(at, table.lines, strict=True):
        if place in seen:
            problems.add(
                f"line {line}", f"the same sample and mutation stand in line {seen[place]} already"
            )
        seen.setdefault(place, line)


def _one_each(
    table: TextTable, samples: Sequence[str], words: Sequence[str], problems: ProblemList
) -> dict[str, str]:
    found: dict[str, str] = {}
    for sample, word, line in zip(samples, words, table.lines, strict=True):
        if found.setdefault(sample, word) != word:
            problems.add(
                f"line {line}", f"sample '{sample}' has site '{word}' and '{found[sample]}'"
            )
    return found


def _each_sample(
    table: TextTable, samples: Sequence[str], words: Sequence[str], problems: ProblemList
) -> dict[str, float] | None:
    values = table.numbers(words, problems, required=False)
    if values is None:
        return None
    found: dict[str, float] = {}
    for sample, value, line in zip(samples, values, table.lines, strict=True):
        known = found.setdefault(sample, value)
        if known != value and not (np.isnan(known) and np.isnan(value)):
            problems.add(f"line {line}", f"{words[0]} {value:g} of sample '{sample}' was {known:g}")
    return found


def _reads(
    table: TextTable, problems: ProblemList
) -> tuple[list[float] | None, list[float] | None]:
    """Return the mutated reads and all reads, or None for both."""
    mutated = table.numbers(ALTERNATIVE, problems, required=False)
    if mutated is None:
        return None, None
    total = table.numbers(TOTAL, problems, required=False)
    if total is None:
        reference = table.numbers(REFERENCE, problems)
        assert reference is not None
        total = [r + a for r, a in zip(reference, mutated, strict=True)]
    for a, n, line in zip(mutated, total, table.lines, strict=True):
        whole = all(np.isnan(value) or value == int(value) for value in (a, n))
        if a < 0 or n < 0 or not whole:
            problems.add(f"line {line}", f"{a:g} of {n:g} reads: wanted whole numbers from 0")
        elif a > n:
            problems.add(f"line {line}", f"{a:g} mutated reads are more than the {n:g} in all")
    return mutated, total
