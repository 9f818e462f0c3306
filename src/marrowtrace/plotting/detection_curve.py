"""Detection probability against the true burden, one curve for each amount and number of sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marrowtrace.plotting.style import COLOURS, DASHES, GREY, MARKERS, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from marrowtrace.assays.power import Power


def detection_curves(result: Power, *, ax: Axes | None = None) -> Axes:
    """Draw how the chance of a positive result rises with the number of tumour cells.

    Colour and marker stand for the amount examined, the kind of line for the number of aspirates
    or tubes; points are the burdens that were asked for, hairlines mark 50 and 95 %.

    Parameters
    ----------
    result : Power
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
    """
    unit = "mL" if result.assay.specimen == "blood" else "cells"
    amounts = result.curves["amount"].unique(maintain_order=True).to_list()
    sides = result.curves["aspirates"].unique(maintain_order=True).to_list()
    compartment = "blood" if result.assay.specimen == "blood" else "marrow"
    with house_style():
        if ax is None:
            ax = new_axes(width=6.0, height=4.0)
        for level in (0.5, 0.95):
            ax.axhline(level, color=GREY, linewidth=0.5)
        for (amount, side), part in result.curves.group_by(
            "amount", "aspirates", maintain_order=True
        ):
            colour = COLOURS[amounts.index(amount) % len(COLOURS)]
            marker = MARKERS[amounts.index(amount) % len(MARKERS)]
            dash = DASHES[sides.index(side) % len(DASHES)]
            often = f" x {side}" if len(sides) > 1 else ""
            ax.plot(
                part["cells"].to_list(), part["probability"].to_list(), dash, color=colour,
                label=f"{amount:,.12g} {unit}{often}",
            )  # fmt: skip
            asked = result.rows.filter(
                (result.rows["amount"] == amount)
                & (result.rows["aspirates"] == side)
                & (result.rows["cells"] > 0)
            )
            ax.plot(
                asked["cells"].to_list(), asked["probability"].to_list(), marker, color=colour,
                markersize=4,
            )  # fmt: skip
        ax.set_xscale("log")
        ax.set_ylim(0, 1.02)
        ax.set_yticks([0, 0.25, 0.5, 0.75, 0.95], ["0", "25 %", "50 %", "75 %", "95 %"])
        ax.set_xlabel(f"tumour cells in the {compartment}")
        ax.set_ylabel("probability of a positive result")
        ax.set_title(result.assay.title)
        if len(amounts) * len(sides) > 1:
            ax.legend(loc="upper left", title="examined")
    return ax
