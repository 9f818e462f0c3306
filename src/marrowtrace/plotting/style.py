"""House style of the figures: colour-blind safe, legible in print, the same everywhere.

The colours are the eight of Okabe and Ito's colour universal design palette, the order changed so
that the first ones also differ in lightness (remembered, not seen: Okabe and Ito 2002, "Color
Universal Design"). Colour is never the only carrier of meaning: use `MARKERS` or `DASHES` with it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marrowtrace.errors import OutputError
from marrowtrace.storage import atomic_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
SKY, PURPLE, YELLOW, BLACK = "#56B4E9", "#CC79A7", "#F0E442", "#000000"
COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK, YELLOW)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":")
GREY = "#666666"
FORMS = ("svg", "png", "pdf")
CELL_COLOURS = {"CTC": VERMILION, "DTC": BLUE}
"""Colour of a cell class wherever both are shown."""
CELL_MARKERS = {"CTC": "o", "DTC": "s"}


def settings() -> dict[str, Any]:
    """Matplotlib settings of the house style, for ``matplotlib.rc_context``."""
    from cycler import cycler

    return {
        "axes.axisbelow": True,
        "axes.grid": False,
        "axes.labelsize": 9,
        "axes.prop_cycle": cycler(color=COLOURS),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 10,
        "figure.constrained_layout.use": True,
        "figure.dpi": 100,
        "figure.figsize": (6.0, 4.0),
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 9,
        "legend.fontsize": 8,
        "legend.frameon": False,
        "lines.linewidth": 1.5,
        "savefig.dpi": 200,
        "svg.fonttype": "path",
        "svg.hashsalt": "marrowtrace",
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
    }


@contextmanager
def house_style() -> Iterator[None]:
    """Draw everything inside the ``with`` block in the house style."""
    import matplotlib as mpl

    options: Any = settings()  # matplotlib types each key as a literal
    with mpl.rc_context(options):
        yield


def new_axes(*, width: float = 6.0, height: float = 4.0) -> Axes:
    """Return empty axes on a figure of their own, outside pyplot, so that nothing needs closing.

    Parameters
    ----------
    width, height : float
        Size of the figure [inch].
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def image_bytes(figure: Figure, *, form: str = "svg") -> bytes:
    """Return the figure as an SVG, PNG or PDF file, the same bytes for the same figure.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    form : {"svg", "png", "pdf"}
    """
    stamps: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    buffer = io.BytesIO()
    with house_style():
        figure.savefig(buffer, format=form, metadata=stamps.get(form))
    return buffer.getvalue()


def write_figure(ax: Axes, path: Path) -> None:
    """Write the figure that ``ax`` is on to a file.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    path : pathlib.Path
        Ending in .svg, .png or .pdf.

    Raises
    ------
    OutputError
        If the ending is another, or the file cannot be written.
    """
    form = path.suffix.casefold().lstrip(".")
    if form not in FORMS:
        raise OutputError(
            f"{path.name} ends in '{path.suffix}'; a figure is written as .svg, .png or .pdf"
        )
    figure = ax.get_figure(root=True)
    assert figure is not None
    image = image_bytes(figure, form=form)
    with atomic_file(path) as temporary:
        temporary.write_bytes(image)
