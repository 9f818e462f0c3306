"""Pattern words, circles, self-seeding and marrow as a source, on graphs drawn by hand."""

from __future__ import annotations

import pytest

from marrowtrace.phylogeny.migration_graph import MigrationGraph, migration_graph


def graph(*edges: str) -> MigrationGraph:
    """Edges as ``PM`` for one from P to M; one for each migration."""
    counts: dict[tuple[str, str], int] = {}
    for edge in edges:
        counts[edge[0], edge[1]] = counts.get((edge[0], edge[1]), 0) + 1
    return MigrationGraph("P", counts, counts)


@pytest.mark.parametrize(
    ("edges", "pattern", "words"),
    [
        (("PM", "PL"), "mPS", "monoclonal primary seeding"),
        (("PM", "PM", "PL"), "pPS", "polyclonal primary seeding"),
        (("PM", "ML"), "mS", "monoclonal single-source seeding"),
        (("PM", "ML", "ML"), "pS", "polyclonal single-source seeding"),
        (("PM", "PL", "ML"), "mM", "monoclonal multi-source seeding"),
        (("PM", "PL", "PL", "ML"), "pM", "polyclonal multi-source seeding"),
        (("PM", "MP"), "mR", "monoclonal reseeding"),
        (("PM", "ML", "LQ", "QM", "PM"), "pR", "polyclonal reseeding"),
        ((), "none", "no migration"),
    ],
)
def test_patterns(edges: tuple[str, ...], pattern: str, words: str):
    assert (graph(*edges).pattern, graph(*edges).pattern_words) == (pattern, words)


def test_self_seeding_and_marrow():
    found = migration_graph([-1, 0, 1, 1], ["breast", "bone marrow", "breast", "liver"])
    assert found.self_seeding
    assert found.reseeding
    assert found.marrow_seeds == ("bone marrow",)
    assert found.seeding_sites == ("bone marrow", "breast")
    assert not graph("PM").self_seeding


def test_comigrations_are_counted_along_paths():
    """Two migrations side by side may have gone together; one after the other they did not."""
    side = migration_graph([-1, 0, 0], ["P", "M", "M"])
    assert (side.n_migrations, side.n_comigrations) == (2, 1)
    row = migration_graph([-1, 0, 1, 2], ["P", "M", "P", "M"])
    assert (row.n_migrations, row.n_comigrations) == (3, 3)


def test_json():
    json = graph("PM", "PM").to_json()
    assert json["graph"] == [{"source": "P", "target": "M", "migrations": 2, "comigrations": 2}]
