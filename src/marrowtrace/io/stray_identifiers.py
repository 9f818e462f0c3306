"""Columns that nobody asked for and that hold what identifies a person: they stay behind.

A mapping file says which columns of a sheet are used, so that one which identifies persons can be
refused (`marrowtrace.io.privacy`). Study folders and ``obs`` tables bring all their columns along;
here those that identify persons, or hold calendar dates, are found so that they can be left behind.
"""

from __future__ import annotations

import polars as pl

from marrowtrace.io.notes import without_dates
from marrowtrace.io.privacy import find_identifier


def stray_identifier(header: str, values: pl.Series, *, numbers: bool = True) -> str:
    """Return the kind of identifier that a column of text holds, or nothing.

    Parameters
    ----------
    header : str
    values : Series of str
    numbers : bool
        Whether long numbers that hardly repeat count as record numbers.

    Examples
    --------
    >>> stray_identifier("SEEN", pl.Series(["on 2020-03-04", None]))
    'calendar dates'
    >>> stray_identifier("GRADE", pl.Series(["G2", "G3"]))
    ''
    """
    found = find_identifier(header, values, numbers=numbers)
    return found.what if found is not None else dated(values)


def dated(values: pl.Series) -> str:
    """Return ``"calendar dates"`` if a text holds one, or nothing."""
    words = values.drop_nulls().unique().to_list()
    return "calendar dates" if any(without_dates(word) != word for word in words) else ""
