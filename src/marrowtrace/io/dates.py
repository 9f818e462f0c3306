"""Calendar dates as files hold them, read only to become days from an index date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

_YEARS = (1900, 2100)
_EXCEL_ZERO = date(1899, 12, 30)  # day 0 of Excel's 1900 calendar, as it counts a 29 Feb 1900
_TYPED = r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}"
_ISO = r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[ T]\d{1,2}:\d{2}.*)?$"
_COMPACT = r"^(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$"
_SERIAL = r"^\d{4,5}(?:\.\d+)?$"
_DOTTED = r"^\d{1,2}\.\s?\d{1,2}\.\s?\d{4}(?: \d{1,2}:\d{2}.*)?$"
_SLASHED = r"^\d{1,2}[/-]\d{1,2}[/-]\d{4}(?: \d{1,2}:\d{2}.*)?$"
_MONTH_NAME = r"^\d{1,2}[-. /]*(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[-. /]*\d{4}$"
_SHORT_YEAR = r"^\d{1,2}[-./]\d{1,2}[-./]\d{2}$"
_SERIAL_RANGE = (3_654, 73_050)  # 1910-01-02 to 2099-12-31; four digits below are years

ANY_DATE = rf"{_ISO}|{_DOTTED}|{_SLASHED}|{_MONTH_NAME}|{_SHORT_YEAR}|{_COMPACT}"


@dataclass(frozen=True, slots=True)
class ReadDates:
    """Dates read from texts.

    Parameters
    ----------
    dates : Series of date
        Null where the text is empty or no date.
    bad : Series of bool
        Where a text could not be read.
    how : str
        What was recognised, in words; empty if there was nothing.
    doubt : str
        Why the dates cannot be told apart from other dates; empty if they can.
    """

    dates: pl.Series
    bad: pl.Series
    how: str
    doubt: str = ""


def read_dates(values: pl.Series, date_format: str | None = None) -> ReadDates:
    """Read dates from texts, in the format given or in those that cannot be mistaken.

    Without a format these are read: dates of spreadsheet cells, ISO (``2021-03-04``), with dots
    (``04.03.2021``, day first as wherever dots are used), with the name of the month in English,
    ``20210304``, serial numbers of Excel (``44259``), and ``04/03/2021`` where another value of
    the column shows which comes first.

    Parameters
    ----------
    values : Series of str
    date_format : str, optional
        As in ``strftime``.

    Returns
    -------
    ReadDates

    Examples
    --------
    >>> read_dates(pl.Series(["44259", "04.03.2021"])).dates.to_list()
    [datetime.date(2021, 3, 4), datetime.date(2021, 3, 4)]
    >>> read_dates(pl.Series(["03/04/2021"])).doubt
    "'03/04/2021' may be day/month or month/day"
    """
    readers = _by_format(values, date_format) if date_format else _by_shape(values)
    doubt = ""
    if isinstance(readers, str):
        doubt, readers = readers, {}
    dates = pl.Series(values.name, [None] * len(values), dtype=pl.Date)
    heard: list[str] = []
    for name, found in readers.items():
        low, high = _YEARS
        sound = found.set(~found.dt.year().is_between(low, high).fill_null(value=False), None)
        new = sound.is_not_null() & dates.is_null()
        if new.any():
            heard.append(f"{name} ({int(new.sum())})")
            dates = dates.zip_with(~new, sound)
    return ReadDates(dates, values.is_not_null() & dates.is_null(), ", ".join(heard), doubt)


def _by_format(values: pl.Series, date_format: str) -> dict[str, pl.Series]:
    day = date_format.split("%H")[0].split("%I")[0].rstrip(" T") if "%H" in date_format else ""
    found = {f"format {date_format}": values.str.to_date(day or date_format, strict=False, exact=not
                                                        day)}  # fmt: skip
    return {"date cells": _typed(values), **found}


def _typed(values: pl.Series) -> pl.Series:
    """Dates of spreadsheet cells."""
    cells = values.set(~values.str.contains(_TYPED).fill_null(value=False), None)
    return cells.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)


def _by_shape(values: pl.Series) -> dict[str, pl.Series] | str:
    """Dates by reader, or why they are in doubt."""

    def matching(pattern: str) -> pl.Series:
        return values.set(~values.str.contains(pattern).fill_null(value=False), None)

    slashed = matching(_SLASHED).str.replace_all("-", "/", literal=True).str.split(" ").list.first()
    order = _order(slashed)
    if order is None:
        first = values.filter(slashed.is_not_null())[0]
        return f"'{first}' may be day/month or month/day"
    if order == "mixed":
        return "some dates can only be day/month, others only month/day"
    short = values.filter(values.str.contains(_SHORT_YEAR).fill_null(value=False))
    if len(short):
        return f"'{short[0]}' has a year of two digits"
    iso = matching(_ISO).str.extract(r"^(\d{4}[-/.]\d{1,2}[-/.]\d{1,2})")
    dotted = matching(_DOTTED).str.replace_all(r"\.\s", ".").str.split(" ").list.first()
    named = matching(_MONTH_NAME).str.replace_all(r"[-. /]+", "")
    named = named.str.replace(r"^(\d{1,2})", "${1}-").str.replace(r"(\d{4})$", "-${1}")
    serial = matching(_SERIAL).cast(pl.Float64, strict=False)
    serial = serial.set(~serial.is_between(*_SERIAL_RANGE).fill_null(value=False), None)
    day_zero = pl.Series([_EXCEL_ZERO], dtype=pl.Date).cast(pl.Int32)[0]
    return {
        "date cells": _typed(values),
        "ISO": iso.str.replace_all(r"[/.]", "-").str.to_date("%Y-%m-%d", strict=False),
        "day.month.year": dotted.str.to_date("%d.%m.%Y", strict=False),
        "day/month/year" if order == "day" else "month/day/year": slashed.str.to_date(
            "%d/%m/%Y" if order == "day" else "%m/%d/%Y", strict=False
        ),
        "month by name": named.str.to_date("%d-%b-%Y", strict=False),
        "YYYYMMDD": matching(_COMPACT).str.to_date("%Y%m%d", strict=False),
        "Excel serial numbers": (serial.floor().cast(pl.Int32) + day_zero).cast(pl.Date),
    }


def _order(slashed: pl.Series) -> str | None:
    """Return whether day or month comes first, ``mixed``, or None if it cannot be told."""
    parts = slashed.drop_nulls().str.split("/")
    if not len(parts):
        return "day"
    first = parts.list.get(0).cast(pl.Int32) > 12
    second = parts.list.get(1).cast(pl.Int32) > 12
    if first.any() and second.any():
        return "mixed"
    if first.any() or second.any():
        return "day" if first.any() else "month"
    return None
