"""Who seeded whom: the migrations of a tree whose nodes have sites, counted and named.

The words are those of MACHINA (El-Kebir, Satas and Raphael 2018, Nat. Genet. 50:718-726;
remembered, its program's output was seen). Clonality: monoclonal (m) if each pair of sites is
joined by one migration at most, else polyclonal (p). Source: primary seeding (PS) if all
migrations leave the primary; single-source (S) if each site is entered from one site only and
there is no circle; multi-source (M) if some site is entered from two or more; reseeding (R) if
sites seed each other in a circle. Self-seeding is a migration back into the primary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from marrowtrace import terms
from marrowtrace.evidence.plain_values import PlainValue
from marrowtrace.phylogeny.clone_tree import ROOT

CLONALITY = MappingProxyType({"m": "monoclonal", "p": "polyclonal"})
SOURCE = MappingProxyType(
    {
        "PS": "primary seeding",
        "S": "single-source seeding",
        "M": "multi-source seeding",
        "R": "reseeding",
    }
)
NO_MIGRATION = "none"


@dataclass(frozen=True, slots=True)
class MigrationGraph:
    """Migrations between sites.

    Parameters
    ----------
    primary : str
        Site of the root.
    migrations : mapping of (str, str) to int
        Migrations from the first site to the second.
    comigrations : mapping of (str, str) to int
        Most of them on one path away from the root.
    """

    primary: str
    migrations: Mapping[tuple[str, str], int]
    comigrations: Mapping[tuple[str, str], int]

    @property
    def n_migrations(self) -> int:
        """Migrations in all."""
        return sum(self.migrations.values())

    @property
    def n_comigrations(self) -> int:
        """Comigrations in all."""
        return sum(self.comigrations.values())

    @property
    def seeding_sites(self) -> tuple[str, ...]:
        """Sites that a migration leaves from, sorted."""
        return tuple(sorted({source for source, _ in self.migrations}))

    @property
    def pattern(self) -> str:
        """Pattern as MACHINA writes it: mPS, pPS, mS, pS, mM, pM, mR or pR; ``none`` without any.

        Examples
        --------
        >>> once = {("primary", "marrow"): 1, ("marrow", "liver"): 1}
        >>> MigrationGraph("primary", once, once).pattern
        'mS'
        """
        if not self.migrations:
            return NO_MIGRATION
        clonality = "p" if any(count > 1 for count in self.migrations.values()) else "m"
        entered = Counter(target for _, target in self.migrations)
        if self.reseeding:
            source = "R"
        elif max(entered.values()) > 1:
            source = "M"
        else:
            source = "PS" if self.seeding_sites == (self.primary,) else "S"
        return clonality + source

    @property
    def pattern_words(self) -> str:
        """Pattern in words, e.g. ``monoclonal single-source seeding``."""
        if self.pattern == NO_MIGRATION:
            return "no migration"
        return f"{CLONALITY[self.pattern[0]]} {SOURCE[self.pattern[1:]]}"

    @property
    def reseeding(self) -> bool:
        """Whether sites seed each other in a circle."""
        waiting = {site: {s for s, t in self.migrations if t == site} for pair in self.migrations
                   for site in pair}  # fmt: skip
        while ready := [site for site, sources in waiting.items() if not sources]:
            for site in ready:
                del waiting[site]
            for sources in waiting.values():
                sources.difference_update(ready)
        return bool(waiting)

    @property
    def self_seeding(self) -> bool:
        """Whether a migration enters the primary again."""
        return any(target == self.primary for _, target in self.migrations)

    @property
    def marrow_seeds(self) -> tuple[str, ...]:
        """Bone-marrow sites that a migration leaves from, sorted."""
        return tuple(site for site in self.seeding_sites if is_marrow(site))

    def to_json(self) -> dict[str, PlainValue]:
        """Return the counts, the pattern and one entry for each pair of sites."""
        return {
            "primary": self.primary,
            "migrations": self.n_migrations,
            "comigrations": self.n_comigrations,
            "seeding_sites": len(self.seeding_sites),
            "pattern": self.pattern,
            "pattern_words": self.pattern_words,
            "seeding_site_names": list(self.seeding_sites),
            "reseeding": self.reseeding,
            "self_seeding": self.self_seeding,
            "marrow_seeds": list(self.marrow_seeds),
            "graph": [
                {
                    "source": source,
                    "target": target,
                    "migrations": count,
                    "comigrations": self.comigrations[source, target],
                }
                for (source, target), count in sorted(self.migrations.items())
            ],
        }


def is_marrow(site: str) -> bool:
    """Whether the name of a site says bone marrow.

    Examples
    --------
    >>> is_marrow("left_humerus_bone_marrow"), is_marrow("BM"), is_marrow("right_rib_7")
    (True, True, False)
    """
    return "marrow" in terms.fold(site) or terms.SITE.normalise(site) == "bone_marrow"


def migration_graph(parents: Sequence[int], sites: Sequence[str]) -> MigrationGraph:
    """Count the migrations of a tree whose nodes have sites.

    Parameters
    ----------
    parents : sequence of int
        Position of each node's parent, which stands before it; -1 for the root, node 0.
    sites : sequence of str
        Site of each node.

    Examples
    --------
    >>> migration_graph([-1, 0, 0], ["primary", "marrow", "marrow"]).comigrations
    mappingproxy({('primary', 'marrow'): 1})
    """
    migrations: Counter[tuple[str, str]] = Counter()
    most: dict[tuple[str, str], int] = {}
    paths: list[Counter[tuple[str, str]]] = []
    for node, parent in enumerate(parents):
        path: Counter[tuple[str, str]] = Counter() if parent == ROOT else paths[parent]
        if parent != ROOT and sites[parent] != sites[node]:
            pair = (sites[parent], sites[node])
            path = path.copy()
            path[pair] += 1
            migrations[pair] += 1
            most[pair] = max(most.get(pair, 0), path[pair])
        paths.append(path)
    return MigrationGraph(sites[0], MappingProxyType(dict(migrations)), MappingProxyType(most))
