"""Copy numbers from MEDICC2's tables, tables of major and minor copies, and SEG files.

- MEDICC2: ``sample_id chrom start end cn_a cn_b``; the alleles are phased.
- Segments: ``sample chrom start end cn_major cn_minor`` (or nMajor, nMinor); not phased.
- SEG: ``ID chrom loc.start loc.end num.mark seg.mean``; the last is the log2 ratio to two copies,
  or, in some programs, the copies (``Segment_Mean`` or ``CN``). The alleles are not known.

Chromosomes lose a leading ``chr``. The site of a sample comes from a mapping; without one, each
sample is its own site.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from marrowtrace.errors import CohortError, InputFileError, ProblemList
from marrowtrace.phylogeny.copy_numbers import CopyNumbers, Segment, align
from marrowtrace.phylogeny.text_table import TextTable, read_text_table, require_keys

SAMPLE = ("sample_id", "sample", "id")
CHROMOSOME = ("chrom", "chr", "chromosome")
START = ("start", "startpos", "loc.start", "start_position")
END = ("end", "endpos", "loc.end", "end_position")
MAJOR = ("cn_major", "nmajor", "major_cn", "nmaj1_a", "major")
MINOR = ("cn_minor", "nminor", "minor_cn", "nmin1_a", "minor")
TOTAL = ("cn", "total_cn", "copy_number", "total")
RATIO = ("seg.mean", "segment_mean", "log2", "logr")
DIPLOID = "diploid"


def read_copy_numbers(path: Path | str, *, sites: Mapping[str, str] | None = None) -> CopyNumbers:
    """Read the copy numbers of samples; the columns say in which form.

    Parameters
    ----------
    path : Path or str
    sites : mapping of str to str, optional
        Site by sample.

    Returns
    -------
    CopyNumbers
        A sample called ``diploid``, MEDICC2's outgroup, is left out.

    Raises
    ------
    MissingFileError
        If the file does not exist.
    InputFileError
        If columns are missing, or listing lines with impossible values, samples without a site and
        segments that overlap.
    """
    table = read_text_table(path)
    problems = ProblemList()
    samples = table.text(SAMPLE)
    chromosomes = [word.removeprefix("chr") for word in table.text(CHROMOSOME)]
    start = _wholes(table, START, problems)
    end = _wholes(table, END, problems)
    medicc = table.find(("cn_a",), required=False) is not None
    major = table.find(MAJOR, required=False) is not None
    if medicc or major:
        first = _wholes(table, ("cn_a",) if medicc else MAJOR, problems)
        second = _wholes(table, ("cn_b",) if medicc else MINOR, problems)
    else:
        first, second = _totals(table, problems), [0] * len(samples)
    if not medicc and major:
        pairs = [sorted(pair, reverse=True) for pair in zip(first, second, strict=True)]
        first, second = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    segments: dict[str, list[Segment]] = {}
    rows = zip(samples, chromosomes, start, end, first, second, table.lines, strict=True)
    for sample, chromosome, low, high, one, two, line in rows:
        if min(one, two) < 0:
            problems.add(f"line {line}", f"has {min(one, two)} copies; allowed: 0 and more")
        if high <= low:
            problems.add(f"line {line}", f"the segment {low}-{high} ends before it starts")
        if sample != DIPLOID:
            segments.setdefault(sample, []).append((chromosome, low, high, one, two))
    problems.raise_any(InputFileError, f"'{table.name}'")
    named = sites if sites is not None else {sample: sample for sample in segments}
    require_keys(named, list(segments), "site", table.name)
    try:
        return align(segments, named, alleles=medicc or major, phased=medicc)
    except CohortError as err:
        raise InputFileError(f"'{table.name}': {err}") from err


def _wholes(table: TextTable, words: tuple[str, ...], problems: ProblemList) -> list[int]:
    values = table.numbers(words, problems)
    assert values is not None
    whole = []
    for value, line in zip(values, table.lines, strict=True):
        if math.isnan(value) or value != int(value):
            problems.add(f"line {line}", f"{words[0]} is {value:g}; wanted a whole number")
            whole.append(0)
        else:
            whole.append(int(value))
    return whole


def _totals(table: TextTable, problems: ProblemList) -> list[int]:
    """Return copies in all, rounded; from a log2 ratio to two copies where these are given."""
    direct = table.numbers(TOTAL, problems, required=False)
    values = direct if direct is not None else table.numbers(RATIO, problems)
    assert values is not None
    copies = []
    for value, line in zip(values, table.lines, strict=True):
        if math.isnan(value) or (direct is None and abs(value) > 20):
            problems.add(f"line {line}", f"{value:g} is neither copies nor a log2 ratio")
            copies.append(0)
        else:
            copies.append(round(value if direct is not None else 2 * 2**value))
    return copies
