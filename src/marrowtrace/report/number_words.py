"""Shares, ratios and p-values as a reader of a paper expects them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DASH = "\N{EN DASH}"
NO_BREAK = "\N{NO-BREAK SPACE}"


def percent(value: float | None, *, digits: int = 1) -> str:
    """Return a share in per cent.

    Examples
    --------
    >>> percent(0.3072).replace(NO_BREAK, " "), percent(None)
    ('30.7 %', '–')
    """
    if value is None:
        return DASH
    number = 100 * value
    if number and abs(number) < 10**-digits:
        return f"{number:.2g}{NO_BREAK}%"
    return f"0{NO_BREAK}%" if not number else f"{number:.{digits}f}{NO_BREAK}%"


def percent_interval(row: Mapping[str, Any], *, value: str = "rate") -> str:
    """Return a share with its interval, from ``row[value]``, ``low`` and ``high``.

    Examples
    --------
    >>> percent_interval({"rate": 0.3, "low": 0.25, "high": 0.35}).replace(NO_BREAK, " ")
    '30.0 % (25.0 to 35.0)'
    """
    if row[value] is None:
        return DASH
    if row["low"] is None or row["high"] is None:
        return percent(row[value])
    ends = [percent(row[end]).removesuffix(f"{NO_BREAK}%") for end in ("low", "high")]
    return f"{percent(row[value])} ({ends[0]} to {ends[1]})"


def ratio_interval(row: Mapping[str, Any], *, value: str = "hr") -> str:
    """Return a ratio with its interval, from ``row[value]``, ``low`` and ``high``.

    Examples
    --------
    >>> ratio_interval({"hr": 2.134, "low": 1.5, "high": None})
    '2.13'
    >>> ratio_interval({"hr": 2.134, "low": 1.5, "high": 3.05})
    '2.13 (1.50 to 3.05)'
    """
    if row[value] is None:
        return DASH
    if row["low"] is None or row["high"] is None:
        return f"{row[value]:.2f}"
    return f"{row[value]:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def p_value(p: float | None) -> str:
    """Return a p-value.

    Examples
    --------
    >>> p_value(0.0312), p_value(0.52), p_value(None)
    ('0.031', '0.52', '–')
    """
    if p is None:
        return DASH
    if p < 0.001:
        return f"<{NO_BREAK}0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def years(days: float) -> str:
    """Return days as a length of time in words.

    Examples
    --------
    >>> years(7305.0), years(243.5), years(10.0), years(365.25)
    ('20 years', '8 months', '10 days', '1 year')
    """
    if days >= 365.25 * 0.999:
        number = round(days / 365.25, 1)
        return f"{number:g} year" + ("" if number == 1 else "s")
    if days >= 30.4375 * 0.999:
        number = round(days / 30.4375, 1)
        return f"{number:g} month" + ("" if number == 1 else "s")
    return f"{days:g} days"
