"""Which site may be the primary: the cost of the migration history from each origin.

Parsimony tells an origin from others only where it costs less. Sites at the same cost cannot be
told apart by the tree, and the direction of the migrations between them is open. A primary that
gave no sample costs one migration more than the best sampled origin, whatever happened, so the
counts can never speak for or against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from marrowtrace.errors import InputFileError
from marrowtrace.evidence.plain_values import PlainValue
from marrowtrace.phylogeny.clone_tree import CloneTree
from marrowtrace.phylogeny.migration import SECONDS, UNSAMPLED, primary_model
from marrowtrace.phylogeny.migration_model import DEFAULT_ORDER, MEANING
from marrowtrace.phylogeny.migration_program import MigrationProgram


@dataclass(frozen=True, slots=True)
class Rooting:
    """Least counts from one origin.

    Parameters
    ----------
    origin : str
        A site, or ``unsampled``.
    values : mapping of str to int
        Least value of each criterion, in order.
    best : bool
        Whether no sampled origin has less.
    """

    origin: str
    values: Mapping[str, int]
    best: bool


@dataclass(frozen=True, slots=True)
class Rootings:
    """All origins, the cheapest first.

    Parameters
    ----------
    rootings : tuple of Rooting
    impossible : tuple of str
        Sites that cannot be the origin, since the root was seen elsewhere.
    """

    rootings: tuple[Rooting, ...]
    impossible: tuple[str, ...]

    @property
    def candidates(self) -> tuple[str, ...]:
        """Sampled sites that cost least as the primary."""
        return tuple(each.origin for each in self.rootings if each.best)

    @property
    def statement(self) -> str:
        """What the tree says of the origin, in a sentence."""
        end = (
            "; a primary that gave no sample would cost one migration more than the best of them "
            "whatever happened, so the counts cannot rule it out"
        )
        if len(self.candidates) == 1:
            return f"{self.candidates[0]} alone costs least as the primary{self._margin()}{end}"
        names = ", ".join(self.candidates)
        return (
            f"{len(self.candidates)} sites cost the same as the primary ({names}): which one it "
            f"is, and the direction of the migrations between them, is not identifiable{end}"
        )

    def _margin(self) -> str:
        """By which criterion, and how much, the best differs from the next sampled origin."""
        others = [each for each in self.rootings if not each.best and each.origin != UNSAMPLED]
        if not others:
            return ""
        best, other = self.rootings[0], others[0]
        letter = next(c for c, value in best.values.items() if other.values[c] != value)
        return (
            f" ({MEANING[letter]} {best.values[letter]}, next {other.values[letter]} from "
            f"{other.origin})"
        )

    def table(self) -> pl.DataFrame:
        """Return one row for each origin."""
        rows = [
            {"origin": each.origin}
            | {MEANING[letter].replace(" ", "_"): each.values[letter] for letter in each.values}
            | {"best": each.best}
            for each in self.rootings
        ]
        return pl.DataFrame(rows)

    def to_json(self) -> dict[str, PlainValue]:
        """Return the candidates, the statement and one entry for each origin."""
        return {
            "candidates": list(self.candidates),
            "identifiable": len(self.candidates) == 1,
            "statement": self.statement,
            "origins": [
                {"origin": each.origin, "values": dict(each.values), "best": each.best}
                for each in self.rootings
            ],
            "impossible": list(self.impossible),
        }


def compare_rootings(
    tree: CloneTree,
    *,
    order: Iterable[str] = DEFAULT_ORDER,
    resolve: bool | None = None,
    time_limit: float = SECONDS,
) -> Rootings:
    """Take each site in turn as the primary, and a primary that gave no sample.

    Parameters
    ----------
    tree : CloneTree
    order, resolve, time_limit
        As `infer_migrations`.

    Raises
    ------
    InputFileError
        If no site can be the origin.
    ParameterError
        If the order is not known, or the time is not enough.

    Examples
    --------
    >>> tree = CloneTree.from_edges([("a", "b"), ("a", "c")], {"b": ["marrow"], "c": ["breast"]})
    >>> compare_rootings(tree).candidates
    ('breast', 'marrow')
    """
    letters = tuple(order)
    found: dict[str, dict[str, int]] = {}
    impossible = []
    for origin in (*tree.sites, UNSAMPLED):
        try:
            model = primary_model(tree, origin, order=letters, resolve=resolve)
        except InputFileError:
            impossible.append(origin)
            continue
        found[origin] = MigrationProgram(model).minimise(model.order, time_limit=time_limit)
    sampled = [tuple(values.values()) for origin, values in found.items() if origin in tree.sites]
    if not sampled:
        raise InputFileError("no site of the tree can be the origin; may clones be split?")
    least = min(sampled)
    rootings = [
        Rooting(origin, values, origin in tree.sites and tuple(values.values()) == least)
        for origin, values in found.items()
    ]
    rootings.sort(key=lambda each: (tuple(each.values.values()), each.origin))
    return Rootings(tuple(rootings), tuple(impossible))
