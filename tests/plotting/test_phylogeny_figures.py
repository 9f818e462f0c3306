"""Figures of a patient's dissemination: what they must show."""

import numpy as np
import pytest

from marrowtrace.phylogeny.bundled import bundled_file
from marrowtrace.phylogeny.cell_tree import infer_cell_tree
from marrowtrace.phylogeny.clone_tree_file import read_clone_tree
from marrowtrace.phylogeny.migration import infer_migrations
from marrowtrace.phylogeny.overlap import overlap
from marrowtrace.phylogeny.presence import call
from marrowtrace.phylogeny.verdict import verdict_of_cells
from marrowtrace.plotting.clone_tree import cell_tree, clone_tree
from marrowtrace.plotting.dissemination_modes import dissemination_modes, support_bars
from marrowtrace.plotting.fish_plot import clones_of, fish_plot
from marrowtrace.plotting.migration_graph import migration_graph
from marrowtrace.plotting.overlap_heatmap import overlap_heatmap
from marrowtrace.plotting.site_colours import site_colours, site_markers
from tests.phylogeny.made_patients import patient


@pytest.fixture(scope="module")
def tree():
    rng = np.random.default_rng(3)
    return infer_cell_tree(patient(rng, ("linear",), primary=10, marrow=8), rng, samples=5)


@pytest.fixture(scope="module")
def history():
    clones = read_clone_tree(bundled_file("A10.tree"), bundled_file("A10.observed.labeling"))
    return infer_migrations(clones, "prostate").best


def test_cell_tree_shows_every_cell_and_site(tree):
    ax = cell_tree(tree, primary="primary")
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["primary (10)", "bone marrow (8)"]
    points = sum(len(line.get_xdata()) for line in ax.lines if line.get_linestyle() == "None")
    assert points == 18
    assert max(line.get_xdata().max() for line in ax.lines) == (tree.genotype.sum(axis=1)).max()


def test_clone_tree_dashes_are_the_migrations(history):
    ax = clone_tree(history)
    dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert len(dashed) == history.graph.n_migrations


def test_migration_graph_has_an_arrow_for_each_pair(history):
    ax = migration_graph(history.graph)
    arrows = [text for text in ax.texts if text.get_text() == ""]
    assert len(arrows) == len(history.graph.migrations)
    sites = {history.graph.primary, *(s for pair in history.graph.migrations for s in pair)}
    assert len(ax.lines) == len(sites)


def test_heat_map_prints_the_shares(tree):
    found = overlap(call(tree.cells))
    ax = overlap_heatmap(found)
    assert len(ax.texts) == 4
    share = found.pair("primary", "bone_marrow").share
    assert f"{100 * share:.0f}" in [text.get_text() for text in ax.texts]


def test_fish_plot_nests_shares_that_are_those_of_the_cells(tree):
    shares, parents, names, sites = clones_of(tree, "primary")
    assert sites == ["primary", "bone_marrow"]
    assert len(names) == len(parents) == shares.shape[0]
    for clone, parent in enumerate(parents):
        if parent >= 0:
            assert (shares[clone] <= shares[parent] + 1e-12).all()
    for parent in range(len(parents)):
        children = [i for i, p in enumerate(parents) if p == parent]
        assert (shares[children].sum(axis=0) <= shares[parent] + 1e-9).all()
    ax = fish_plot(shares, parents, names, sites)
    assert len(ax.collections) == len(names)
    low, high = (
        np.array(ax.collections[0].get_paths()[0].vertices)[:, 1].min(),
        np.array(ax.collections[0].get_paths()[0].vertices)[:, 1].max(),
    )
    assert 0 <= low < high <= 1


def test_modes_and_support(tree):
    verdict = verdict_of_cells(tree, "primary", np.random.default_rng(1))
    ax = dissemination_modes(verdict)
    assert any("late" in text.get_text() for text in ax.texts)
    bars = support_bars(verdict)
    widths = [bar.get_width() for bar in bars.patches]
    assert widths == pytest.approx(list(verdict.support.values()))


def test_sites_have_one_colour_each():
    sites = ["primary", "bone_marrow", "blood", "liver", "lung", "left_bone_marrow"]
    colours = site_colours(sites, "primary")
    assert len(set(colours.values())) == len(sites)
    assert colours["bone_marrow"] != colours["left_bone_marrow"]
    assert len(set(site_markers(sites).values())) == len(sites)
