"""The figures of a page: embedded in it, and kept so that they can be written to files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from marrowtrace.errors import OutputError
from marrowtrace.plotting.style import FORMS, image_bytes, write_figure
from marrowtrace.report.page import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NARROW = 4.5
"""Width [inch] up to which a figure is legible on a phone without scrolling."""


@dataclass
class Drawings:
    """Figures by name, in the order in which they were drawn."""

    axes: dict[str, Axes] = field(default_factory=dict)

    def add(
        self, name: str, ax: Axes, *, alt: str, caption: str, footnotes: Sequence[str] = ()
    ) -> Figure:
        """Keep a figure and return it as a block of a page.

        Parameters
        ----------
        name : str
            Name of its file, without the ending.
        ax : matplotlib.axes.Axes
        alt, caption : str
            What it shows, and what to see in it.
        footnotes : sequence of str
        """
        self.axes[name] = ax
        drawing = ax.get_figure(root=True)
        assert drawing is not None
        number = len(self.axes)
        return Figure(
            image_bytes(drawing), alt, caption=f"Figure {number}. {caption}", footnotes=footnotes,
            wide=drawing.get_figwidth() > NARROW,
        )  # fmt: skip

    def write(self, folder: Path, forms: Sequence[str]) -> list[Path]:
        """Write every figure to ``folder`` in each form.

        Raises
        ------
        OutputError
            If a form is not one of svg, png and pdf, or a file cannot be written.
        """
        check_forms(forms)
        paths = []
        for name, ax in self.axes.items():
            for form in forms:
                paths.append(folder / f"{name}.{form}")
                write_figure(ax, paths[-1])
        return paths


def check_forms(forms: Sequence[str]) -> None:
    """Refuse forms in which no figure can be written.

    Raises
    ------
    OutputError
        If a form is not one of svg, png and pdf.
    """
    wrong = [form for form in forms if form not in FORMS]
    if wrong:
        raise OutputError(f"figures cannot be written as '{wrong[0]}'; allowed: {', '.join(FORMS)}")
