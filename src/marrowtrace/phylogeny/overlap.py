r"""Mutations that sites share: what of one site's mutations another site carries.

For each ordered pair of sites the mutations of the first are shared with the second, lost there,
or unknown there. The plain share is shared over shared and lost, with Clopper and Pearson's
interval. The corrected share takes dropout and coverage into account: with the power
:math:`d_m` to call mutation m in the second site and the rate f of false calls, the log-likelihood
of the true share :math:`\theta` is

.. math:: \sum_m x_m \log\{\theta d_m+(1-\theta)f\}+(1-x_m)\log\{1-\theta d_m-(1-\theta)f\},

with :math:`x_m=1` if m was called there; its maximum is the estimate and the interval is that of
the likelihood ratio. All mutations of the first site count in it, the unknown ones by their power.
The mutations of a pair are taken as independent, which linked ones are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import optimize, special

from marrowtrace.errors import InputFileError, did_you_mean
from marrowtrace.evidence.plain_values import PlainValue, plain_fields
from marrowtrace.evidence.proportions import exact_interval
from marrowtrace.phylogeny.presence import ABSENT, UNKNOWN, Floats, Presence

GROUPS = ("all", "clonal", "subclonal")


@dataclass(frozen=True, slots=True)
class SiteOverlap:
    """What of the mutations of one site another carries.

    Parameters
    ----------
    source, target : str
        The site whose mutations are looked for, and the one where.
    group : {"all", "clonal", "subclonal"}
        Which mutations, by their clonality in the source.
    mutations : int
        Mutations of the source in this group.
    shared, lost, unknown : int
        Called in the target; not called though it could have been; not called, too little power.
    private : int
        Mutations of the source in this group that no other site carries.
    share, low, high : float
        Shared over shared and lost, with its interval; NaN where there is none.
    corrected, corrected_low, corrected_high : float
        Share corrected for dropout and coverage, with its interval.
    """

    source: str
    target: str
    group: str
    mutations: int
    shared: int
    lost: int
    unknown: int
    private: int
    share: float
    low: float
    high: float
    corrected: float
    corrected_low: float
    corrected_high: float


@dataclass(frozen=True, slots=True)
class Overlap:
    """The overlap of all pairs of sites.

    Parameters
    ----------
    pairs : tuple of SiteOverlap
    presence : Presence
    level : float
        Confidence level of the intervals.
    """

    pairs: tuple[SiteOverlap, ...]
    presence: Presence
    level: float

    def pair(self, source: str, target: str, group: str = "all") -> SiteOverlap:
        """Return one pair.

        Raises
        ------
        InputFileError
            If a site or the group is not known; the message names the nearest.
        """
        for name, allowed in ((source, self.presence.sites), (target, self.presence.sites),
                              (group, GROUPS)):  # fmt: skip
            if name not in allowed:
                raise InputFileError(
                    f"'{name}' is not known{did_you_mean(name, allowed)}; there are: "
                    f"{', '.join(allowed)}"
                )
        if source == target:
            raise InputFileError(f"the overlap of '{source}' with itself is not defined")
        return next(
            p for p in self.pairs if (p.source, p.target, p.group) == (source, target, group)
        )

    def table(self) -> pl.DataFrame:
        """Return one row for each ordered pair of sites and group."""
        return pl.DataFrame([plain_fields(pair) for pair in self.pairs], infer_schema_length=None)

    def matrix(self, group: str = "all", *, corrected: bool = False) -> Floats:
        """Return the shares as a matrix, sources by targets; 1 on the diagonal.

        Parameters
        ----------
        group : {"all", "clonal", "subclonal"}
        corrected : bool
            The corrected shares rather than the plain ones.

        Returns
        -------
        ndarray of float, shape (n_sites, n_sites)
        """
        at = {site: row for row, site in enumerate(self.presence.sites)}
        shares = np.eye(len(at))
        for pair in self.pairs:
            if pair.group == group:
                value = pair.corrected if corrected else pair.share
                shares[at[pair.source], at[pair.target]] = value
        return shares

    def to_json(self) -> dict[str, PlainValue]:
        """Return the sites, the rule of the calls and the pairs."""
        return {
            "unit": self.presence.unit,
            "sites": list(self.presence.sites),
            "level": self.level,
            "rule": plain_fields(self.presence.rule),
            "pairs": [plain_fields(pair) for pair in self.pairs],
        }


def overlap(presence: Presence, *, level: float = 0.95) -> Overlap:
    """Compare every pair of sites.

    Parameters
    ----------
    presence : Presence
        From `presence.call`; at least two sites.
    level : float
        Confidence level, above 0 and below 1.

    Raises
    ------
    InputFileError
        If there is one site only.
    """
    sites = presence.sites
    if len(sites) < 2:
        raise InputFileError(
            f"all cells or samples are of one site ('{sites[0]}'); an overlap needs two"
        )
    present = presence.present
    alone = present & (present.sum(axis=0) == 1)
    pairs = []
    for source, name in enumerate(sites):
        masks = {
            "all": present[source],
            "clonal": present[source] & (presence.clonal[source] == 1),
            "subclonal": present[source] & (presence.clonal[source] == 0),
        }
        for target, other in enumerate(sites):
            if source == target:
                continue
            for group, mask in masks.items():
                state, power = presence.state[target, mask], presence.power[target, mask]
                shared = int(present[target, mask].sum())
                lost, unknown = int(np.sum(state == ABSENT)), int(np.sum(state == UNKNOWN))
                plain = _plain(shared, shared + lost, level)
                corrected = corrected_share(
                    present[target, mask], power, presence.rule.false_call, level
                )
                pairs.append(
                    SiteOverlap(
                        name, other, group, int(mask.sum()), shared, lost, unknown,
                        int(np.sum(alone[source] & mask)), *plain, *corrected,
                    )
                )  # fmt: skip
    return Overlap(tuple(pairs), presence, level)


def _plain(shared: int, total: int, level: float) -> tuple[float, float, float]:
    if not total:
        return math.nan, math.nan, math.nan
    low, high = exact_interval([shared], [total], level=level)
    return shared / total, float(low[0]), float(high[0])


def corrected_share(
    called: npt.NDArray[np.bool_], power: Floats, false_call: float, level: float
) -> tuple[float, float, float]:
    """Return the share corrected for the power of each call, with its interval.

    Parameters
    ----------
    called : ndarray of bool, shape (n_mutations,)
    power : ndarray of float, shape (n_mutations,)
    false_call : float
        Probability of a call of a mutation that is not there.
    level : float

    Returns
    -------
    tuple of float
        Estimate, lower and upper end; NaN, 0 and 1 where the calls say nothing.

    Examples
    --------
    Each of 100 mutations is seen with probability 0.5, and 40 are: 80 % are there.

    >>> import numpy as np
    >>> found = corrected_share(np.arange(100) < 40, np.full(100, 0.5), 0.0, 0.95)
    >>> round(found[0], 4)
    0.8
    """
    useful = power > false_call + 1e-9
    if not np.any(useful):
        return math.nan, 0.0, 1.0
    hit, d = called[useful], power[useful]

    def log_likelihood(theta: float) -> float:
        chance = theta * d + (1 - theta) * false_call
        return float(np.sum(special.xlogy(hit, chance) + special.xlog1py(~hit, -chance)))

    def slope(theta: float) -> float:
        chance = np.clip(theta * d + (1 - theta) * false_call, 1e-12, 1 - 1e-12)
        gain = d - false_call
        return float(np.sum(np.where(hit, gain / chance, -gain / (1 - chance))))

    best = _root_or_end(slope)
    limit = log_likelihood(best) - 0.5 * float(special.chdtri(1, 1 - level))
    ends = []
    for end in (0.0, 1.0):
        if best == end or log_likelihood(end) >= limit:
            ends.append(end)
        else:
            ends.append(
                float(optimize.brentq(lambda t: log_likelihood(t) - limit, *sorted((best, end))))
            )
    return best, ends[0], ends[1]


def _root_or_end(slope: Callable[[float], float]) -> float:
    """Zero of a falling function on 0 to 1, or the end that is nearest to one."""
    if slope(0.0) <= 0:
        return 0.0
    if slope(1.0) >= 0:
        return 1.0
    return float(optimize.brentq(slope, 0.0, 1.0, xtol=1e-12))
