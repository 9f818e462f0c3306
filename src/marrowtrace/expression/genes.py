"""Names of genes: old symbols, Ensembl ids, mouse orthologues, and dates that Excel made of them.

The shipped map (``data/genes.csv``, see ``data/PROVENANCE.md``) covers the genes of the programs
and of the quality checks only. A name that it does not know keeps its spelling; in mouse data, and
only there, an unknown symbol is written in capitals, which is right for most one-to-one orthologues
and is counted as "by capitals", not as looked up.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import polars as pl

HOUSEKEEPING = (
    "ACTB", "GAPDH", "RPLP0", "PPIA", "EEF1A1", "RPL13A", "YWHAZ", "UBC", "TBP", "SDHA", "PGK1",
    "TUBB", "HPRT1", "GUSB", "HMBS",
)  # fmt: skip
"""Genes that a cell of any kind is expected to express (assumed: usual reference genes)."""
_ENSEMBL = re.compile(r"^(ENS(?:MUS)?G\d{11})(?:\.\d+)?$")
_MONTH_FIRST = re.compile(r"^(mar|sep|sept|dec)[-. ]0?(\d{1,2})$", re.IGNORECASE)
_DAY_FIRST = re.compile(r"^0?(\d{1,2})[-. /](mar|sep|sept|dec)(?:[-. /]\d{2,4})?$", re.IGNORECASE)
_ISO_DATE = re.compile(r"^\d{4}-(03|09|12)-(\d{2})(?:[ T]00:00:00)?$")
_FAMILIES = {"mar": ("MARCHF", 11), "sep": ("SEPTIN", 14), "dec": ("DELEC", 1)}
_MONTHS = {"03": "mar", "09": "sep", "12": "dec", "sept": "sep"}


@dataclass(frozen=True, slots=True)
class GeneMap:
    """The shipped map of names.

    Parameters
    ----------
    ensembl : mapping of str to str
        Human or mouse Ensembl id, without version, to symbol.
    aliases : mapping of str to str
        Old symbol to symbol.
    mouse : mapping of str to str
        Mouse symbol to human symbol.
    symbols : frozenset of str
    """

    ensembl: MappingProxyType[str, str]
    aliases: MappingProxyType[str, str]
    mouse: MappingProxyType[str, str]
    symbols: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedGenes:
    """What became of the names of a matrix.

    Parameters
    ----------
    names : tuple of str, length n
        The name each row goes by from here on.
    species : {"human", "mouse"}
    kind : {"symbol", "Ensembl"}
    renamed : tuple of (str, str)
        Old symbols and their present ones.
    dates : tuple of (str, str)
        Dates that Excel made of symbols, and the symbol taken for each.
    unmapped : tuple of str
        Ensembl ids without a symbol here.
    duplicates : tuple of (str, int)
        Names that more than one row carries, with the number of rows.
    by_capitals : int
        Mouse symbols carried over by capitals alone.
    """

    names: tuple[str, ...]
    species: str
    kind: str
    renamed: tuple[tuple[str, str], ...]
    dates: tuple[tuple[str, str], ...]
    unmapped: tuple[str, ...]
    duplicates: tuple[tuple[str, int], ...]
    by_capitals: int

    def notes(self) -> list[str]:
        """Return what was understood, in sentences."""
        said = [f"genes are {self.species}, by {self.kind}"]
        if self.renamed:
            said.append(
                f"{len(self.renamed)} old symbol(s) renamed, e.g. "
                + ", ".join(f"{old} to {new}" for old, new in self.renamed[:3])
            )
        if self.dates:
            said.append(
                f"{len(self.dates)} symbol(s) had been turned into dates and were repaired: "
                + ", ".join(f"'{old}' to {new}" for old, new in self.dates[:12])
                + ("; " + _MARC if any(new in _TWICE for _, new in self.dates) else "")
            )
        if self.unmapped:
            said.append(
                f"{len(self.unmapped)} Ensembl id(s) are not in the shipped map, which covers the "
                "genes of the programs; they are kept under their id"
            )
        if self.by_capitals:
            said.append(
                f"{self.by_capitals} mouse symbols were carried over by capitals alone, the genes "
                "of the programs by the shipped map"
            )
        if self.duplicates:
            said.append(
                f"{len(self.duplicates)} name(s) stand on more than one row, e.g. "
                f"{self.duplicates[0][0]}; their rows were merged"
            )
        return said


_TWICE = ("MARCHF1", "MARCHF2")
_MARC = "MARCHF1 and MARCHF2 may also have been MTARC1 and MTARC2, which made the same dates"


@cache
def gene_map() -> GeneMap:
    """Return the shipped map of names."""
    text = files("marrowtrace.expression").joinpath("data", "genes.csv").read_bytes()
    table = pl.read_csv(text, infer_schema_length=0).fill_null("")
    ensembl: dict[str, str] = {}
    aliases: dict[str, str] = {}
    mouse: dict[str, str] = {}
    for row in table.iter_rows(named=True):
        symbol = row["symbol"]
        for name in (row["ensembl"] + " " + row["mouse_ensembl"]).split():
            ensembl[name] = symbol
        for name in row["aliases"].split():
            aliases[name] = symbol
        for name in row["mouse"].split():
            mouse[name] = symbol
    return GeneMap(
        MappingProxyType(ensembl),
        MappingProxyType(aliases),
        MappingProxyType(mouse),
        frozenset(table["symbol"]),
    )


def excel_date(name: str) -> str | None:
    """Return the gene that Excel turned into this date, or None if it is no such date.

    Examples
    --------
    >>> excel_date("2-Sep"), excel_date("Mar-01"), excel_date("2020-12-01"), excel_date("SEPTIN2")
    ('SEPTIN2', 'MARCHF1', 'DELEC1', None)
    """
    text = name.strip()
    if found := _DAY_FIRST.match(text):
        number, month = found[1], found[2]
    elif (found := _MONTH_FIRST.match(text)) or (found := _ISO_DATE.match(text)):
        month, number = found[1], found[2]
    else:
        return None
    family, last = _FAMILIES[_MONTHS.get(month.casefold(), month.casefold())]
    return f"{family}{int(number)}" if 1 <= int(number) <= last else None


def count_recognised(names: Sequence[str]) -> int:
    """How many of the names are genes for sure: in the shipped map, or an Ensembl gene id."""
    known = gene_map()
    return sum(
        name in known.symbols
        or name in known.mouse
        or name in known.aliases
        or _ENSEMBL.match(name) is not None
        for name in names
    )


def name_genes(names: Sequence[str], *, species: str | None = None) -> NamedGenes:
    """Bring the names of a matrix to present human symbols, and say what was done.

    Parameters
    ----------
    names : sequence of str
        Symbols or Ensembl gene ids, with or without version.
    species : {"human", "mouse"}, optional
        Found out from the spelling if left out.

    Returns
    -------
    NamedGenes
    """
    known = gene_map()
    clean = [name.strip().strip('"') for name in names]
    ids = [_ENSEMBL.match(name) for name in clean]
    by_id = sum(found is not None for found in ids) > len(clean) / 2
    if species is None:
        species = "mouse" if _looks_like_mouse(clean) else "human"
    present = set(clean)
    out: list[str] = []
    renamed, dates, unmapped = [], [], []
    by_capitals = 0
    for name, found in zip(clean, ids, strict=True):
        if found is not None:
            symbol = known.ensembl.get(found[1])
            if symbol is None:
                unmapped.append(found[1])
            out.append(symbol or found[1])
            continue
        if (repaired := excel_date(name)) is not None:
            dates.append((name, repaired))
            out.append(repaired)
        elif species == "mouse" and name in known.mouse:
            out.append(known.mouse[name])
        elif name in known.symbols:
            out.append(name)
        elif name in known.aliases and known.aliases[name] not in present:
            renamed.append((name, known.aliases[name]))
            out.append(known.aliases[name])
        elif species == "mouse":
            by_capitals += name != name.upper()
            out.append(name.upper())
        else:
            out.append(name)
    twice = tuple((name, n) for name, n in Counter(out).items() if n > 1)
    return NamedGenes(
        names=tuple(out),
        species=species,
        kind="Ensembl" if by_id else "symbol",
        renamed=tuple(renamed),
        dates=tuple(dates),
        unmapped=tuple(unmapped),
        duplicates=twice,
        by_capitals=by_capitals,
    )


def _looks_like_mouse(names: Sequence[str]) -> bool:
    known = gene_map()
    mouse = sum(name.startswith("ENSMUSG") or name in known.mouse for name in names)
    human = sum(
        (name.startswith("ENSG") or name in known.symbols) and name not in known.mouse
        for name in names
    )
    return mouse > human
