"""House style: colour-blind safe, reproducible bytes, nothing left behind."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import numpy as np
import pytest

from marrowtrace.errors import OutputError
from marrowtrace.plotting.style import (
    CELL_COLOURS,
    COLOURS,
    house_style,
    image_bytes,
    new_axes,
    write_figure,
)

# Dichromats' view of linear RGB: Vienot, Brettel and Mollon 1999 (remembered, not seen here).
PROTAN = np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]])
DEUTAN = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])


def linear(colour):
    rgb = np.array(mpl.colors.to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("view", [np.eye(3), PROTAN, DEUTAN])
def test_first_colours_stay_apart_for_dichromats(view):
    seen = [np.clip(view @ linear(colour), 0, 1) ** (1 / 2.2) for colour in COLOURS[:4]]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 0.15


def test_the_check_of_colours_can_fail():
    red_green = [np.clip(DEUTAN @ linear(c), 0, 1) ** (1 / 2.2) for c in ("#b05050", "#808050")]
    assert np.linalg.norm(red_green[0] - red_green[1]) < 0.15


def test_cells_have_colours_of_their_own():
    assert CELL_COLOURS["CTC"] != CELL_COLOURS["DTC"]
    assert set(CELL_COLOURS.values()) <= set(COLOURS)


def test_style_does_not_leak():
    before = mpl.rcParams["axes.spines.top"]
    with house_style():
        assert mpl.rcParams["axes.spines.top"] is False
    assert mpl.rcParams["axes.spines.top"] == before


def figure():
    ax = new_axes(width=2, height=2)
    ax.plot([0, 1], [0, 1])
    return ax


@pytest.mark.parametrize(
    ("form", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")]
)
def test_same_figure_same_bytes(form, start):
    first, second = (image_bytes(figure().get_figure(root=True), form=form) for _ in range(2))
    assert first == second
    assert first.startswith(start)


def test_write_figure(tmp_path):
    write_figure(figure(), tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_bytes().startswith(b"<?xml")
    with pytest.raises(OutputError, match=r"a\.gif ends in '\.gif'"):
        write_figure(figure(), tmp_path / "a.gif")
    with pytest.raises(OutputError, match="a part of the path is a file"):
        write_figure(figure(), tmp_path / "a.svg" / "a.svg")
