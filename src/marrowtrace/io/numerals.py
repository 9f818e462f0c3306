"""Numbers as clinics write them: decimal points or commas, with or without thousands marks."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

_EXPONENT = r"(?:[eE][-+]?\d+)?$"
_POINT = r"^[-+]?(?:\d+\.?\d*|\.\d+|\d{1,3}(?:,\d{3})+(?:\.\d*)?)" + _EXPONENT
_COMMA = r"^[-+]?(?:\d+,?\d*|,\d+|\d{1,3}(?:\.\d{3})+(?:,\d*)?)" + _EXPONENT
_PLAIN = r"^[-+]?(?:\d+\.?\d*|\.\d+)" + _EXPONENT
_THOUSANDS = r"^[-+]?\d{1,3}(?:[.,]\d{3})+$"


@dataclass(frozen=True, slots=True)
class DecimalMark:
    """The decimal mark of a column.

    Parameters
    ----------
    mark : str
        ``"."``, ``","``, or ``"either"``: each value by itself, as in a spreadsheet where typed
        numbers stand beside text.
    commas : int
        Values with a decimal comma.
    doubt : str
        Why the mark cannot be told; empty if it can.
    """

    mark: str
    commas: int = 0
    doubt: str = ""


def decimal_mark(
    values: pl.Series, *, given: str | None = None, delimiter: str = ",", others_comma: bool = False
) -> DecimalMark:
    """Find the decimal mark of a column of texts.

    Parameters
    ----------
    values : Series of str
    given : {".", ","}, optional
        What the mapping says.
    delimiter : str
        Of the file; empty for a spreadsheet. After a semicolon a comma is a decimal comma.
    others_comma : bool
        Whether other columns of the file have decimal commas.

    Returns
    -------
    DecimalMark

    Examples
    --------
    >>> decimal_mark(pl.Series(["7,5", "10"])).mark
    ','
    >>> decimal_mark(pl.Series(["1,234"])).doubt
    "'1,234' may be a decimal comma or a thousands mark"
    """
    values = values.drop_nulls()
    with_comma = values.filter(values.str.contains(",", literal=True))
    numeric = with_comma.filter(with_comma.str.contains(_COMMA) | with_comma.str.contains(_POINT))
    if given is not None:
        return DecimalMark(given, len(numeric) if given == "," else 0)
    if not len(numeric):
        return _dots_only(values, others_comma=others_comma)
    dotted = values.filter(values.str.contains(_PLAIN) & values.str.contains(".", literal=True))
    plain_commas = not delimiter and numeric.str.contains(r"^[-+]?\d*,\d+$").all()
    if plain_commas and (len(dotted) or not numeric.str.contains(_THOUSANDS).all()):
        return DecimalMark("either", len(numeric))
    marked = pl.concat([numeric, dotted]).unique(maintain_order=True)
    fits_comma, fits_point = marked.str.contains(_COMMA).all(), marked.str.contains(_POINT).all()
    if fits_comma and fits_point and delimiter != ";":
        return DecimalMark(".", 0, f"'{numeric[0]}' may be a decimal comma or a thousands mark")
    if fits_comma:
        return DecimalMark(",", len(numeric))
    if fits_point:
        return DecimalMark(".")
    point = dotted[0] if len(dotted) else marked.filter(~marked.str.contains(_COMMA))[0]
    return DecimalMark(".", 0, f"'{numeric[0]}' has a decimal comma, but '{point}' a point")


def _dots_only(values: pl.Series, *, others_comma: bool) -> DecimalMark:
    """Judge a column without commas in a file where others may have decimal commas."""
    dotted = values.filter(values.str.contains(r"^[-+]?\d+(?:\.\d+)+$"))
    if others_comma and len(dotted) and dotted.str.contains(_THOUSANDS).all():
        return DecimalMark(
            ".", 0, f"'{dotted[0]}' may be a decimal point or, as other columns have decimal "
            "commas, a thousands mark",
        )  # fmt: skip
    return DecimalMark(".")


def parse_numbers(values: pl.Series, mark: str, *, thousands: bool = False) -> pl.Series:
    """Return texts as numbers; null where a text is no number.

    Parameters
    ----------
    values : Series of str
    mark : {".", ",", "either"}
    thousands : bool
        Whether commas are accepted as thousands marks where the decimal mark is a point.

    Returns
    -------
    Series of float

    Examples
    --------
    >>> parse_numbers(pl.Series(["1.234,5", "7", "n.d."]), ",").to_list()
    [1234.5, 7.0, None]
    """
    if mark == ",":
        good = values.str.contains(_COMMA)
        plain = values.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    elif mark == "either":
        plain = values.str.replace(",", ".", literal=True)
        good = plain.str.contains(_PLAIN)
    else:
        good = values.str.contains(_POINT if thousands else _PLAIN)
        plain = values.str.replace_all(",", "", literal=True)
    numbers = plain.set(~good.fill_null(value=True), None).cast(pl.Float64, strict=False)
    return numbers.set(~numbers.is_finite().fill_null(value=True), None)
