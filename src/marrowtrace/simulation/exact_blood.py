"""The twin's blood: cells shed one by one, how long each stays in the circulation, and its fate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from marrowtrace.simulation.exact_cells import Cell
from marrowtrace.simulation.exact_environment import Environment
from marrowtrace.simulation.exact_primary import Bulk, Traits

_LODGINGS = ("marrow", "visceral", "local")
_DEAD = len(_LODGINGS)


@dataclass(slots=True, eq=False)
class Batch:
    """Cells shed by one source in one stretch of time; void from ``cut`` [day] on."""

    cut: float = math.inf


@dataclass(frozen=True, slots=True, eq=False)
class Flight:
    """A cell (or cluster) in the blood from ``start`` to ``end`` [day]."""

    start: float
    end: float
    kind: str
    batch: Batch


class _Sized(Protocol):
    def size(self, times: NDArray[np.float64]) -> NDArray[np.float64]: ...

    def largest(self, start: float, stop: float) -> float: ...


@dataclass(frozen=True, slots=True)
class Flux:
    """What sheds: its source, the cells per day at the reference size, and the size of onset."""

    source: _Sized
    scale: float
    onset: float


class Blood:
    """The circulation of one patient.

    Parameters
    ----------
    rng : numpy.random.Generator
    traits : Traits
    environment : Environment
    visits : tuple of float or None
        Days on which cells in the circulation are counted; None while they are not known.
    start : float
        Day from which the readiness of the niche is followed.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        traits: Traits,
        environment: Environment,
        visits: tuple[float, ...] | None,
        start: float,
    ) -> None:
        self.rng, self.traits, self.environment = rng, traits, environment
        self.n = environment.numbers
        self.visits = visits
        self._flights: list[Flight] = []
        self._days, self._levels = np.array([start]), np.zeros(1)

    def drive_readiness(self, primary: Bulk | None, now: float, until: float) -> None:
        """Let the readiness w of the niche follow the primary from ``now`` to ``until``."""
        if self.n["niche_readiness_gain"] <= 0.0:
            return
        days = np.linspace(now, until, 200)
        step = (until - now) / (days.size - 1)
        size = primary.size(days[:-1] + 0.5 * step) if primary else np.zeros(days.size - 1)
        goals = size / (size + self.n["niche_readiness_half_size"])
        kept = math.exp(-math.log(2.0) / self.n["niche_readiness_half_life"] * step)
        levels = [float(self._ready(now))]
        for goal in goals.tolist():
            levels.append(goal + (levels[-1] - goal) * kept)
        self._days, self._levels = days, np.array(levels)

    def _ready(self, times: NDArray[np.float64] | float) -> NDArray[np.float64]:
        return np.asarray(np.interp(times, self._days, self._levels))

    def niche_factor(self, time: float) -> float:
        """Return the factor that readiness adds to homing at ``time``."""
        if self.n["niche_readiness_gain"] <= 0.0:
            return 1.0
        return 1.0 + self.n["niche_readiness_gain"] * float(self._ready(time))

    def flux(self, flux: Flux, sizes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the intact cells shed per day at ``sizes`` cells, shape as given."""
        relative = np.maximum(sizes, 1e-300) / self.n["reference_tumour_size"]
        power = flux.scale * relative ** self.n["shedding_size_exponent"]
        capped = np.minimum(power, self.n["shedding_cap_per_cell"] * sizes)
        return np.where(sizes < flux.onset, 0.0, capped * self.environment.level("shedding"))

    def shed(
        self, flux: Flux, origin: str, now: float, until: float, batch: Batch
    ) -> list[tuple[float, Cell]]:
        """Shed cells one by one, by thinning of a rate that bounds the flux.

        Returns
        -------
        list of tuple of float and Cell
            Those that lodge, with the day; ``place`` is marrow, visceral or local.
        """
        largest = np.array([flux.source.largest(now, until)])
        bound = float(self.flux(flux, largest)[0])
        if bound <= 0.0 or until <= now:
            return []
        # clusters are counted apart: what their cells do is drawn among the cells
        per_cell = self.n["cluster_fraction"] / max(self.n["cluster_size_mean"], 1.0)
        clusters = self._moments(flux, bound * per_cell, bound, now, until)
        _, ends = self._fates(clusters, np.ones(clusters.size, dtype=np.bool_))
        self._fly(clusters, ends, "ctc_clusters", batch)

        times = self._moments(flux, bound, bound, now, until)
        clustered = self.rng.random(times.size) < self.n["cluster_fraction"]
        fates, ends = self._fates(times, clustered)
        kind = "ctc_primary" if origin == "primary" else "ctc_lesions"
        self._fly(times[~clustered], ends[~clustered], kind, batch)
        lodging = []
        for index in np.flatnonzero(fates < _DEAD):
            cell = self.new_cell(float(times[index]), origin, cluster=bool(clustered[index]))
            cell.place = _LODGINGS[fates[index]]
            lodging.append((float(ends[index]), cell))
        return lodging

    def _moments(
        self, flux: Flux, rate: float, bound: float, now: float, until: float
    ) -> NDArray[np.float64]:
        """Moments of a Poisson process of intensity ``rate`` x flux / ``bound``."""
        number = self.rng.poisson(rate * (until - now))
        times = np.sort(now + (until - now) * self.rng.random(number))
        share = self.flux(flux, flux.source.size(times)) / bound
        kept: NDArray[np.float64] = times[self.rng.random(number) < share]
        return kept

    def leave_marrow(self, now: float, ready: float) -> float:
        """Send a cell of the marrow into the blood; return the day on which it leaves it.

        ``ready`` is the factor that the readiness of the niche adds to homing.
        """
        n, traits, environment = self.n, self.traits, self.environment
        homing = environment.homing * ready
        lodging = traits.visceral + n["local_lodging_probability"]
        dying = max(0.0, 1.0 - traits.marrow - lodging) * environment.blood_death
        total = traits.marrow * homing + lodging + dying
        stay = self.rng.standard_exponential() * n["ctc_half_life"] / math.log(2.0)
        end = now + stay / total
        if self.visits is None or any(now <= visit < end for visit in self.visits):
            self._flights.append(Flight(now, end, "ctc_marrow", Batch()))
        return end

    def _fates(
        self, times: NDArray[np.float64], clustered: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """What becomes of cells that entered at ``times``, and when: rates that compete."""
        n, traits, environment = self.n, self.traits, self.environment
        local = n["local_lodging_probability"]
        homing = environment.homing * (1.0 + n["niche_readiness_gain"] * self._ready(times))
        dying = max(0.0, 1.0 - traits.marrow - traits.visceral - local) * environment.blood_death
        shares = np.stack(
            [
                traits.marrow * homing,
                np.full_like(times, traits.visceral),
                np.full_like(times, local),
                np.full_like(times, dying),
            ]
        )
        total = shares.sum(axis=0)
        below = np.cumsum(shares / total, axis=0)
        fates = (self.rng.random(times.size) >= below[:_DEAD]).sum(axis=0)
        ratio = np.where(clustered, n["cluster_half_life_ratio"], 1.0)
        stays = self.rng.standard_exponential(times.size) * ratio
        return fates, times + stays * n["ctc_half_life"] / math.log(2.0) / total

    def _fly(
        self, starts: NDArray[np.float64], ends: NDArray[np.float64], kind: str, batch: Batch
    ) -> None:
        """Remember those that a visit will meet."""
        met = np.full(starts.size, self.visits is None)
        for visit in self.visits or ():
            met |= (starts <= visit) & (visit < ends)
        for start, end in zip(starts[met], ends[met], strict=True):
            self._flights.append(Flight(float(start), float(end), kind, batch))

    def aloft(self, now: float) -> dict[str, int]:
        """Count what is in the circulation at ``now``, and forget what has left it."""
        counts: dict[str, int] = {}
        for flight in self._flights:
            if flight.start <= min(now, flight.batch.cut) and now < flight.end:
                counts[flight.kind] = counts.get(flight.kind, 0) + 1
        self._flights = [flight for flight in self._flights if flight.end > now]
        return counts

    def new_cell(self, shed: float, origin: str, *, cluster: bool) -> Cell:
        """Draw the state of a cell that is just shed."""
        rng, n = self.rng, self.n
        other = n["receptor_discordance"]
        mesenchymal = self.traits.mesenchymal
        rest = n["epithelial_share_shed"] + n["hybrid_share_shed"]
        epithelial = n["epithelial_share_shed"] / rest if rest > 0.0 else 0.0
        phenotype = 2 if rng.random() < mesenchymal else int(rng.random() >= epithelial)
        return Cell(
            place="",
            origin=origin,
            shed=shed,
            er=self.traits.er ^ bool(rng.random() < other),
            her2=self.traits.her2 ^ bool(rng.random() < other),
            mhc_low=bool(rng.random() < n["mhc_low_fraction"]),
            cluster=cluster,
            phenotype=phenotype,
            since=shed,
        )
