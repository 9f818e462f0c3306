"""Phenotype fractions as values that a simulation takes (``--set name=value``)."""

from __future__ import annotations

from collections.abc import Mapping

from marrowtrace.expression.fractions import Fraction

PARAMETERS: dict[tuple[str, str], str] = {
    ("epithelial_mesenchymal", "epithelial"): "epithelial_share_shed",
    ("epithelial_mesenchymal", "hybrid"): "hybrid_share_shed",
    ("stem_like", "stem-like"): "stem_like_share_shed",
    ("mhc1", "low"): "mhc_low_fraction",
}
"""Parameter of the simulator that a measured fraction stands for, by axis and state."""


def simulator_toml(fractions: Mapping[tuple[str, str], Fraction], *, source: str, what: str) -> str:
    """Return the measured fractions as a table of parameters.

    Parameters
    ----------
    fractions : mapping of (axis, state) to Fraction
    source : str
        Name of the data set.
    what : str
        Which cells they were measured in.

    Returns
    -------
    str
        TOML in the form of the catalogue's parameter files. Fractions that no parameter stands for
        are in a table of their own, ``[other]``.
    """
    lines = [
        f"# Fractions of {what} measured in {source}; the patient is the unit.",
        "# Cells that were not called are left out, which assumes that they are like the others.",
        "",
    ]
    other = []
    for (axis, state), found in fractions.items():
        name = PARAMETERS.get((axis, state))
        said = (
            f"{found.positive} of {found.cells} called cells of {found.patients} patient(s); "
            f"{found.method}"
        )
        if name is None:
            other += [
                f'"{axis}.{state}" = {{ value = {found.mean:.6g}, low = {found.low:.6g}, '
                f'high = {found.high:.6g}, where = "{said}" }}'
            ]
            continue
        lines += [
            f"[{name}]",
            f"value = {found.mean:.6g}",
            f"low = {found.low:.6g}",
            f"high = {found.high:.6g}",
            'unit = "-"',
            f'meaning = "share of {what} called {state}"',
            'kind = "measured"',
            f'where = "{said}"',
            "",
        ]
    if other:
        lines += ["[other]", *other, ""]
    return "\n".join(lines)
