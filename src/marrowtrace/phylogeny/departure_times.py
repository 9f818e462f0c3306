"""Counts of private mutations by site, and the departure times that they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marrowtrace.errors import CohortError, did_you_mean
from marrowtrace.phylogeny.presence import ABSENT, Presence
from marrowtrace.phylogeny.timing import (
    SeedingTime,
    Similarity,
    by_clock,
    closed_form,
    similarity,
)

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTime:
    """One site against the primary.

    Parameters
    ----------
    site : str
    primary_private, site_private : int
        Lp and Lm: clonal mutations of one that the other surely lacks.
    shared_subclonal : int
        Ws: mutations subclonal in both.
    similarity : Similarity
        Hu's Jaccard index.
    seeded : SeedingTime or None
        By Hu's closed form; None without the length of the expansion.
    apart : SeedingTime or None
        Since departure, by a clock; None without a clock.
    """

    site: str
    primary_private: int
    site_private: int
    shared_subclonal: int
    similarity: Similarity
    seeded: SeedingTime | None
    apart: SeedingTime | None


@dataclass(frozen=True, slots=True)
class DepartureTimes:
    """All sites against the primary.

    Parameters
    ----------
    primary : str
    sites : tuple of SiteTime
    """

    primary: str
    sites: tuple[SiteTime, ...]

    def table(self) -> pl.DataFrame:
        """Return one row a site; times that were not asked for are null."""
        import polars as pl

        rows = [
            {
                "site": each.site,
                "primary_private": each.primary_private,
                "site_private": each.site_private,
                "shared_subclonal": each.shared_subclonal,
                "jsi": each.similarity.index,
                "jsi_low": each.similarity.low,
                "jsi_high": each.similarity.high,
                **_columns("seeded", each.seeded),
                **_columns("apart", each.apart),
            }
            for each in self.sites
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    def to_json(self) -> dict[str, Any]:
        """Return the counts and times as plain values; null for what is not known."""
        rows = self.table().fill_nan(None).to_dicts()
        for row, each in zip(rows, self.sites, strict=True):
            for name, time in (("seeded", each.seeded), ("apart", each.apart)):
                row[f"{name}_meaning"] = None if time is None else time.meaning
        return {"primary": self.primary, "unit": "year", "sites": rows}


def departure_times(
    presence: Presence,
    primary: str,
    *,
    expansion: float | None = None,
    clock: float | None = None,
    clock_log_sd: float = 0.0,
) -> DepartureTimes:
    """Count the private mutations of each site and of the primary, and turn them into times.

    Parameters
    ----------
    presence : Presence
        Calls by site.
    primary : str
    expansion : float, optional
        Years from the first cell of the primary's expansion to diagnosis, for Hu's closed form.
    clock : float, optional
        Mutations a year along one line of descent in what was read.
    clock_log_sd : float
        Standard deviation of the log of the clock's rate.

    Raises
    ------
    CohortError
        If the primary is not among the sites, or a number is out of range.
    """
    names = presence.sites
    if primary not in names:
        raise CohortError(
            f"primary: '{primary}' is not a site{did_you_mean(primary, names)}; there are: "
            f"{', '.join(names)}"
        )
    own = names.index(primary)
    clonal, state = presence.clonal, presence.state
    found = []
    for row, site in enumerate(names):
        if row == own:
            continue
        ours = int(((clonal[own] == 1) & (state[row] == ABSENT)).sum())
        theirs = int(((clonal[row] == 1) & (state[own] == ABSENT)).sum())
        both = int(((clonal[own] == 0) & (clonal[row] == 0)).sum())
        found.append(
            SiteTime(
                site=site,
                primary_private=ours,
                site_private=theirs,
                shared_subclonal=both,
                similarity=similarity(both, ours, theirs),
                seeded=None if expansion is None else closed_form(ours, theirs, expansion),
                apart=None if clock is None else by_clock(theirs, clock, rate_log_sd=clock_log_sd),
            )
        )
    return DepartureTimes(primary, tuple(found))


def _columns(name: str, time: SeedingTime | None) -> dict[str, float | None]:
    values = (None,) * 3 if time is None else (time.years, time.low, time.high)
    return {name: values[0], f"{name}_low": values[1], f"{name}_high": values[2]}
