"""The programs: lists of genes that stand for a state, a lineage or a contamination.

Read from ``data/signatures.csv``, one row a gene with its source and how far it was verified:
``seed`` (named in the review itself), ``table`` and ``repo`` (copied from a published table or
repository), ``literature`` (not checked again) and ``literature_unverified`` (from memory).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import polars as pl

from marrowtrace.errors import CatalogError, did_you_mean

CHECKED = ("seed", "table", "repo")
MIXED = "mixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One list of genes.

    Parameters
    ----------
    name : str
    up, down : tuple of str
        Genes that are higher, and lower, in the state.
    sources : tuple of str
    scope : str
        ``tumour_cell``, ``tumour_bulk``, ``niche``, ``doublet_or_coat`` or ``qc``.
    unchecked : tuple of str
        Genes whose membership was not checked again.
    """

    name: str
    up: tuple[str, ...]
    down: tuple[str, ...]
    sources: tuple[str, ...]
    scope: str
    unchecked: tuple[str, ...]

    @property
    def genes(self) -> tuple[str, ...]:
        """All its genes."""
        return self.up + self.down

    @property
    def title(self) -> str:
        """Its name in words."""
        return self.name.replace("_", " ")


@cache
def programs() -> tuple[Program, ...]:
    """Return every shipped program, in the order of the table."""
    text = files("marrowtrace.expression").joinpath("data", "signatures.csv").read_bytes()
    table = pl.read_csv(text, infer_schema_length=0)
    out = []
    for (name,), rows in table.group_by("program", maintain_order=True):
        up = tuple(dict.fromkeys(rows.filter(pl.col("direction") == "up")["gene"]))
        down = tuple(dict.fromkeys(rows.filter(pl.col("direction") == "down")["gene"]))
        out.append(
            Program(
                name=str(name),
                up=up,
                down=tuple(g for g in down if g not in up),
                sources=tuple(dict.fromkeys(rows["source"])),
                scope=str(rows["scope"][0]),
                unchecked=tuple(
                    rows.filter(~pl.col("evidence").is_in(list(CHECKED)))["gene"].to_list()
                ),
            )
        )
    return tuple(out)


def program(name: str) -> Program:
    """Return one program.

    Raises
    ------
    CatalogError
        If there is none of this name; the message names the nearest.
    """
    for each in programs():
        if each.name == name:
            return each
    names = [each.name for each in programs()]
    raise CatalogError(f"there is no program '{name}'{did_you_mean(name, names)}")


def conflicts() -> dict[str, tuple[str, ...]]:
    """Return genes that some programs want high and others low, with ``program (direction)``."""
    where: dict[str, list[str]] = {}
    signs: dict[str, set[str]] = {}
    for each in programs():
        for direction, genes in (("up", each.up), ("down", each.down)):
            for gene in genes:
                where.setdefault(gene, []).append(f"{each.name} ({direction})")
                signs.setdefault(gene, set()).add(direction)
    return {gene: tuple(where[gene]) for gene, found in signs.items() if len(found) == 2}
