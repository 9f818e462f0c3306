"""What an import understood, converted, left out or dropped: nothing happens silently."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d[-/._]\d\d?[-/._]\d\d?|\d\d?[-/._]\d\d?[-/._](?:19|20)?\d\d"
    r"|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)"
)


def without_dates(text: str) -> str:
    """Return ``text`` with every calendar date replaced, so that none leaves the import.

    Examples
    --------
    >>> without_dates("counts_2021-03-04.csv and CTC 04.03.2021")
    'counts_[date].csv and CTC [date]'
    """
    return _DATE.sub("[date]", text)


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that the import did on its own account.

    Parameters
    ----------
    kind : str
        ``file``, ``synonym``, ``code``, ``missing``, ``unit``, ``number``, ``date``, ``row``,
        ``column``, ``privacy`` or ``default``.
    place : str
        Column of the file or key of the mapping.
    message : str
        What was done, in words.
    rows : int
        How many rows it touched; 0 if it concerns the file as a whole.
    """

    kind: str
    place: str
    message: str
    rows: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", without_dates(self.place))
        object.__setattr__(self, "message", without_dates(self.message))

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


def counted(rows: pl.Series, word: str = "line", *, shown: int = 3) -> str:
    """Return ``"5 row(s) (line 3, 7, 9, ...)"`` for the line numbers ``rows``.

    Examples
    --------
    >>> counted(pl.Series([3, 7]))
    '2 row(s) (line 3, 7)'
    """
    numbers = ", ".join(str(row) for row in rows.head(shown).to_list())
    more = ", ..." if len(rows) > shown else ""
    return f"{len(rows)} row(s) ({word} {numbers}{more})"


def listed(words: Iterable[str], *, shown: int = 12) -> str:
    """Return words in quotes with commas, the first ``shown`` of them.

    Examples
    --------
    >>> listed(["a", "b"])
    "'a', 'b'"
    """
    every = list(words)
    more = f", ... ({len(every)} in all)" if len(every) > shown else ""
    return ", ".join(f"'{word}'" for word in every[:shown]) + more
