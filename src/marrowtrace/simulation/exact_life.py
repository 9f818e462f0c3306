"""One patient of the twin: a calendar of what is known to come, and a queue of what cells do."""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.simulation.exact_blood import Batch, Blood, Flux
from marrowtrace.simulation.exact_cells import (
    PLACES,
    Cell,
    awakening_rate,
    draw_wait,
    next_step,
    phenotype_at,
    spend,
)
from marrowtrace.simulation.exact_environment import (
    MARROW,
    SUBTYPES,
    Course,
    Environment,
    canonical,
)
from marrowtrace.simulation.exact_lesions import Lesion
from marrowtrace.simulation.exact_primary import Bulk, draw_subtype, draw_traits
from marrowtrace.simulation.exact_record import COUNTS, ExactLife
from marrowtrace.simulation.exact_therapies import count, largest_by_target, use
from marrowtrace.simulation.exact_treatment import begin, cycle
from marrowtrace.simulation.scenario import Scenario
from marrowtrace.simulation.therapy import Therapy

_ENTRY_WITHIN = 40.0 * 365.25


@dataclass(slots=True)
class _Outcome:
    """What is noted on the way."""

    counts: dict[str, NDArray[np.float64]]
    distant: float = math.inf
    local: float = math.inf
    place: str = ""
    origin: str = ""
    metastatic: bool = False
    death: float = math.inf
    cause: str = ""
    guided: bool = False
    lesions: list[Lesion] = field(default_factory=list)


class Life:
    """One patient: a calendar of what is known to come, and a queue of what cells do."""

    def __init__(self, scenario: Scenario, rng: np.random.Generator, patient: int) -> None:
        self.scenario, self.rng, self.patient = scenario, rng, patient
        prevalence = {
            name: scenario.parameters[f"subtype_prevalence.{name}"].canonical for name in SUBTYPES
        }
        subtype = draw_subtype(rng, prevalence)
        self.n = canonical(scenario.parameters, subtype)
        self.traits = draw_traits(rng, subtype, self.n)
        self.environment = Environment(self.n, self.traits.mesenchymal)
        self.primary: Bulk | None = Bulk(
            self.traits.primary_growth, self.n, size=self.traits.size, start=0.0
        )
        self.primary_there = True  # until surgery, however small
        self.primary_batch = Batch()
        self.now = min(0.0, self.primary.time_to(self.n["shedding_onset_size"]))
        self.order = itertools.count()
        self.queue: list[tuple[float, int, str, Any, int]] = []
        self.calendar: list[tuple[float, bool, int, str, Any]] = []
        self.courses: list[Course] = []
        self.cells: dict[Cell, None] = {}
        self.inside = dict.fromkeys(PLACES, 0)
        self.index = 0.0 if scenario.entry == "diagnosis" else math.inf
        self.blood = Blood(rng, self.traits, self.environment, None, self.now)
        self.changed = True
        self.done = False
        self.reached = False  # whether a distant lesion has reached the detection size
        self.large_before_diagnosis: list[Lesion] = []
        visits = len(scenario.visits)
        self.out = _Outcome({name: np.full(visits, math.nan) for name in COUNTS})
        self.resistant = largest_by_target(scenario.therapies, "resistant_fraction")
        self.resistance = largest_by_target(scenario.therapies, "resistance_rate")
        drug = "er_positive" if self.traits.er else "her2_positive"
        self.primary_resistant = rng.random() < self.resistant[drug]
        self._fill_calendar()

    # ---- what is known to come ---------------------------------------------------------------
    def _note(self, time: float, kind: str, what: Any = None) -> None:
        if time < math.inf:
            later = kind == "cycle"  # at one moment, windows open first
            heapq.heappush(self.calendar, (time, later, next(self.order), kind, what))

    def _fill_calendar(self) -> None:
        n = self.n
        self._note(0.0, "diagnosis")
        self._note(self.scenario.surgery, "surgery")
        if self.index == 0.0:
            self._begin_follow_up()
        else:
            self._note(_ENTRY_WITHIN, "end", "without metastases")
        doubling = n["other_death_doubling_time"]
        slope = math.log(2.0) / doubling
        hazard = n["other_death_rate"] * math.exp(
            slope * (self.traits.age - n["other_death_reference_age"])
        )
        if hazard > 0.0:
            luck = self.rng.standard_exponential()
            self._note(math.log1p(slope * luck / hazard) / slope, "death", "other")

    def _begin_follow_up(self) -> None:
        """Note what is counted from the begin of follow-up: therapies, visits, horizon."""
        scenario, index = self.scenario, self.index
        lucks: dict[str, tuple[float, float]] = {}
        days = [index + day for day in scenario.visits]
        guideline = self.rng.random()  # once for each patient, whatever the agent
        for therapy in scenario.therapies:
            luck = lucks.setdefault(therapy.agent, (guideline, self.rng.random()))
            if luck[0] >= use(therapy, self.traits, self.n) or luck[1] >= therapy.uptake:
                continue
            if therapy.rule is None:
                self._book(therapy, index + therapy.start)
            else:
                self._note(index + therapy.rule.day, "rule", therapy)
                days.append(index + therapy.rule.day)
        for number, day in enumerate(scenario.visits):
            self._note(index + day, "visit", number)
        self.blood.visits = tuple(days)
        self._note(index + scenario.horizon, "end")

    def _book(self, therapy: Therapy, start: float) -> None:
        stop = start + therapy.duration
        if therapy.stopping_rate > 0.0:
            stop = min(stop, start + self.rng.standard_exponential() / therapy.stopping_rate)
        course = Course(therapy, start, stop)
        self.courses.append(course)
        self._note(start, "start", course)
        self._note(stop, "stop", course)
        for number in range(therapy.cycles):
            day = start + number * therapy.cycle_length
            if number == 0 or day < stop:
                self._note(day, "cycle", course)

    # ---- the loop ----------------------------------------------------------------------------
    def run(self) -> ExactLife:
        """Live to the end."""
        while not self.done:
            until, _, _, kind, what = self.calendar[0]
            self._open(until)
            if self._work(until):
                self._close()
                continue
            heapq.heappop(self.calendar)
            self.now = until
            self._close()
            getattr(self, f"_on_{kind}")(what)
        out = self.out
        return ExactLife(
            patient=self.patient,
            traits=self.traits,
            counts=out.counts,
            lesions=tuple(out.lesions),
            distant_relapse=out.distant,
            local_relapse=out.local,
            relapse_place=out.place,
            relapse_origin=out.origin,
            metastatic_at_diagnosis=out.metastatic,
            end=self.now,
            death=out.death,
            cause=out.cause,
            guided=out.guided,
            entered=self.index < math.inf,
        )

    def _open(self, until: float) -> None:
        """Plan everything up to ``until``, through which the surroundings stay as they are."""
        if self.changed:
            self.environment.update(self.courses)
            for cell in self.cells:
                if not cell.aloft:
                    spend(cell, self.now)
                    self._plan_cell(cell)
            self.changed = False
        self.blood.drive_readiness(self.primary, self.now, until)
        if self.primary is not None:
            traits, spared = self.traits, self.primary_resistant
            self.primary.kill = self.environment.on_cell(
                "lesion_kill", traits.er and not spared, traits.her2 and not spared
            )
            self._shed_primary(until)
        for lesion in self.out.lesions:
            if lesion.state != "gone":
                self._plan_lesion(lesion, until)

    def _close(self) -> None:
        """Stop all plans of tumours at this moment; cells keep theirs."""
        if self.primary is not None:
            self.primary.restart(self.now)
            self.primary_batch.cut = self.now
            if self.primary.log_size < 0.0:
                self.primary = None
        for lesion in self.out.lesions:
            if lesion.state != "gone":
                lesion.settle(self.now)
                lesion.batch.cut = self.now

    def _work(self, until: float) -> bool:
        """Work off the queue; true if something changed the surroundings before ``until``."""
        while self.queue and self.queue[0][0] <= until:
            time, _, kind, what, stamp = heapq.heappop(self.queue)
            if kind == "lodge":
                cell, batch = what
                if cell.shed <= batch.cut:
                    self.now = time
                    self.lodge(cell)
                continue
            if what.stamp != stamp:
                continue
            self.now = time
            if isinstance(what, Cell):
                self._cell_event(what, kind)
            else:
                self._lesion_event(what, kind, until)
            if self.changed:
                return True
        return False

    def _push(self, time: float, kind: str, what: Any, stamp: int = 0) -> None:
        if time < math.inf:
            heapq.heappush(self.queue, (time, next(self.order), kind, what, stamp))

    # ---- shedding ----------------------------------------------------------------------------
    def _shed_primary(self, until: float) -> None:
        if self.primary is None:
            return
        self.primary_batch = Batch()
        flux = Flux(self.primary, self.traits.shedding, self.n["shedding_onset_size"])
        self._shed(flux, "primary", until, self.primary_batch)

    def _shed_lesion(self, lesion: Lesion, until: float) -> None:
        lesion.batch = Batch()
        scale = self.traits.shedding * self.n["lesion_shedding_multiplier"]
        flux = Flux(lesion, scale, self.n["lesion_shedding_onset_size"])
        self._shed(flux, "lesion", until, lesion.batch)

    def _shed(self, flux: Flux, origin: str, until: float, batch: Batch) -> None:
        for end, cell in self.blood.shed(flux, origin, self.now, until, batch):
            self._push(end, "lodge", (cell, batch))

    # ---- dormant cells -----------------------------------------------------------------------
    def lodge(self, cell: Cell, *, finds_site: bool = False) -> None:
        """Settle a cell that stays where the blood took it; in marrow it looks for a site."""
        n = self.n
        if cell.place == "local" and self.primary_there:
            return  # part of the primary
        if cell.place == "marrow":
            endosteal = self.rng.random() < n["endosteal_share"]
            niche = "endosteal" if endosteal else "perivascular"
            sites = n[f"{niche}_niche_sites"]
            taken = self.inside[niche] / sites if sites > 0.0 else 1.0
            found = finds_site or self.rng.random() < self.environment.site_chance * (1.0 - taken)
            cell.place = niche if found else "free"
        cell.phenotype_day = self.now
        self._begin_dormancy(cell)

    def _begin_dormancy(self, cell: Cell) -> None:
        self.cells[cell] = None
        self.inside[cell.place] += 1
        if cell.place != "free":
            rate = awakening_rate(cell.place, self.n)
            cell.wait = draw_wait(self.rng, self.scenario.dormancy, rate, self.n)
        cell.pace = 0.0
        self._plan_cell(cell)

    def _plan_cell(self, cell: Cell) -> None:
        cell.stamp += 1
        time, kind = next_step(self.rng, cell, self.now, self.environment)
        self._push(time, kind, cell, cell.stamp)

    def remove(self, cell: Cell) -> None:
        """Take a settled cell out of the world."""
        del self.cells[cell]
        self.inside[cell.place] -= 1
        cell.stamp += 1

    def _cell_event(self, cell: Cell, kind: str) -> None:
        spend(cell, self.now)
        if kind == "lost":
            self.remove(cell)
        elif kind == "awakening":
            self.remove(cell)
            self._awaken(cell)
        elif kind == "egress":
            self._leave(cell)
        elif kind == "land":
            cell.aloft = False
            self.inside[cell.place] += 1
            if cell.place == "visceral":
                self.inside[cell.place] -= 1
                self._begin_dormancy(cell)
            else:
                self._plan_cell(cell)
        elif kind == "er":
            cell.er = not cell.er
            self._plan_cell(cell)
        elif kind == "her2":
            cell.her2 = not cell.her2
            self._plan_cell(cell)
        else:
            cell.tolerant = True
            self._plan_cell(cell)

    def _leave(self, cell: Cell) -> None:
        """Into the blood, and back, to the viscera, or to death."""
        n, rng, env = self.n, self.rng, self.environment
        ready = self.blood.niche_factor(self.now)
        end = self.blood.leave_marrow(self.now, ready)
        factor = env.homing_of_return * ready
        back = n["rehoming_probability"]
        if back < 1.0:
            odds = back / (1.0 - back) * factor
            back = odds / (1.0 + odds)
        settling = 0.0
        if n["visceral_lodging_probability"] > 0.0:
            settling = min(
                1.0,
                n["visceral_lodging_of_egressed"]
                * self.traits.visceral
                / n["visceral_lodging_probability"],
            )
        self.inside[cell.place] -= 1
        cell.aloft, cell.pace = True, 0.0
        cell.stamp += 1
        if rng.random() < back:
            self._push(end, "land", cell, cell.stamp)
            return
        if rng.random() < settling:
            phenotype_at(rng, cell, self.now, n)
            cell.place, cell.via_marrow = "visceral", True
            self._push(end, "land", cell, cell.stamp)
            return
        del self.cells[cell]

    def _awaken(self, cell: Cell) -> None:
        """Found a lesion, or die out."""
        n, rng, env = self.n, self.rng, self.environment
        if self.reached and not self.scenario.founders_after_relapse:
            return
        share, size = n["cluster_fraction"], max(n["cluster_size_mean"], 1.0)
        advantage = n["cluster_seeding_multiplier"] / size
        chance = self.traits.establishment / (1.0 - share + share * advantage)
        chance *= advantage if cell.cluster else 1.0
        chance *= env.on_cell("establishment", cell.sensitive, cell.her2)
        chance *= env.mhc_low_odds if cell.mhc_low else 1.0 / env.immune_pressure
        if rng.random() >= chance:
            return
        origin = cell.origin
        if origin == "primary" and cell.via_marrow:
            origin = "marrow"
        others = 1 + int(rng.poisson(max(0.0, size - 2.0))) if cell.cluster else 0
        lesion = Lesion(
            place=cell.place,
            origin=origin,
            er=cell.er,
            her2=cell.her2,
            tolerant=cell.tolerant,
            mhc_low=cell.mhc_low,
            resistant_er=bool(rng.random() < self.resistant["er_positive"]),
            resistant_her2=bool(rng.random() < self.resistant["her2_positive"]),
            restrict=not cell.mhc_low and bool(rng.random() < n["restricted_fraction"]),
            growth=self.traits.lesion_growth,
            numbers=n,
            awakened=self.now,
            seeded=cell.shed,
            sure=1,
            plain=others,
            batch=Batch(),
        )
        lesion.resistance = self._resistance_of(lesion)
        self.out.lesions.append(lesion)
        if lesion.restrict and n["restriction_delay"] <= 0.0:
            self._restrict(lesion)
        self._plan_lesion(lesion, self.calendar[0][0])

    # ---- lesions -----------------------------------------------------------------------------
    def _plan_lesion(self, lesion: Lesion, until: float) -> None:
        time, kind = lesion.plan(self.rng, self.now, until, self.environment)
        self._push(time, kind, lesion, lesion.stamp)
        for day in lesion.daughters:
            self._push(float(day), "daughter", lesion, lesion.stamp)
        self._shed_lesion(lesion, until)
        if lesion.brood:
            self._found_subclone(lesion, lesion.brood, until)
            lesion.brood = 0

    def _resistance_of(self, lesion: Lesion) -> float:
        """Resistant daughters per division of its cells, of the drug that acts on them."""
        if lesion.er and not lesion.tolerant and not lesion.resistant_er:
            return self.resistance["er_positive"]
        if lesion.her2 and not lesion.resistant_her2:
            return self.resistance["her2_positive"]
        return 0.0

    def _found_subclone(self, parent: Lesion, cells: int, until: float) -> None:
        """Let resistant cells of a lesion grow on as one of their own."""
        er = self.resistance["er_positive"] > 0.0
        child = replace(
            parent,
            parent=parent,
            resistant_er=parent.resistant_er or er,
            resistant_her2=parent.resistant_her2 or not er,
            resistance=0.0,
            restrict=False,
            detected=math.nan,
            batch=Batch(),
            bulk=None,
            brood=0,
            exposed=False,
        )
        child.start_small(cells)
        self.out.lesions.append(child)
        self._plan_lesion(child, until)

    def _bear(self, lesion: Lesion, until: float) -> None:
        """Add a resistant daughter of a dying lesion to its subclone, or found one."""
        for child in self.out.lesions:
            if child.parent is lesion and child.state in {"small", "large"}:
                if child.state == "small":
                    child.batch.cut = self.now
                    child.settle(self.now)
                    child.plain += 1
                    self._plan_lesion(child, until)
                return
        self._found_subclone(lesion, 1, until)

    def _lesion_event(self, lesion: Lesion, kind: str, until: float) -> None:
        if kind == "daughter":
            self._bear(lesion, until)
            return
        lesion.batch.cut = self.now
        lesion.settle(self.now)
        if kind == "grown":
            lesion.grow_large(self.now, lesion.sure + lesion.plain)
        elif kind == "dwindled":
            lesion.start_small(round(self.n["growth_hand_over_size"]))
        elif kind == "restricted":
            self._restrict(lesion)
        elif kind == "detected":
            self._detect(lesion)
        elif kind in {"extinct", "eliminated"}:
            self.end_lesion(lesion, kind)
        else:
            self._escape(lesion, kind)
        if lesion.state != "gone" and not self.changed:
            self._plan_lesion(lesion, until)

    def _restrict(self, lesion: Lesion) -> None:
        lesion.state, lesion.restrict, lesion.restricted = "restricted", False, self.now
        self._count_restricted()

    def _escape(self, lesion: Lesion, cause: str) -> None:
        lesion.escaped, lesion.escape_cause = self.now, cause
        lesion.mhc_low = lesion.mhc_low or cause == "mutation"
        cells = self.n["restricted_size"]
        if cells >= self.n["growth_hand_over_size"]:
            lesion.grow_large(self.now, cells)
        else:
            lesion.start_small(round(cells))
        self._count_restricted()

    def end_lesion(self, lesion: Lesion, cause: str) -> None:
        """Let a lesion be gone from now on."""
        lesion.state, lesion.ended, lesion.end_cause = "gone", self.now, cause
        lesion.stamp += 1
        self._count_restricted()

    def _count_restricted(self) -> None:
        if self.n["memory_gain"] > 0.0:
            number = sum(lesion.state == "restricted" for lesion in self.out.lesions)
            self.environment.restricted_cells = number * self.n["restricted_size"]
            self.changed = True

    def _detect(self, lesion: Lesion) -> None:
        """Note a lesion that has reached the size; before diagnosis nobody sees it."""
        lesion.detected = max(0.0, self.now)
        self.reached |= lesion.place != "local"
        if self.now >= 0.0:
            self._see(lesion)
        else:
            self.large_before_diagnosis.append(lesion)

    def _see(self, lesion: Lesion) -> None:
        if lesion.place == "local":
            self.out.local = min(self.out.local, self.now)
            self.end_lesion(lesion, "resected")
        else:
            self._note_relapse(lesion, self.now)

    def _note_relapse(self, lesion: Lesion, time: float) -> None:
        out, n = self.out, self.n
        if time < out.distant:
            out.distant, out.place, out.origin = time, lesion.place, lesion.origin
            self.environment.relapsed = True
            self.changed = True
            if self.index == math.inf:
                self.index = time
                self._begin_follow_up()
            left = n["survival_after_relapse_median"] * math.exp(
                n["survival_after_relapse_log_sd"] * self.rng.standard_normal()
            )
            self._note(time + left, "death", "cancer")

    # ---- the calendar ------------------------------------------------------------------------
    def _on_diagnosis(self, _: None) -> None:
        for lesion in self.large_before_diagnosis:
            self.out.metastatic |= lesion.place != "local"
            self._see(lesion)

    def _on_surgery(self, _: None) -> None:
        self.primary = None
        self.primary_there = False
        for _left in range(self.rng.poisson(self.n["local_residual_cells"])):
            cell = self.blood.new_cell(self.now, "residual", cluster=False)
            cell.place = "local"
            self.lodge(cell)
        self.environment.stress = self.n["surgery_stress_duration"] > 0.0
        self._note(self.now + self.n["surgery_stress_duration"], "calm")
        self.changed = True

    def _on_calm(self, _: None) -> None:
        self.environment.stress = False
        self.changed = True

    def _on_start(self, course: Course) -> None:
        course.active, self.changed = True, True
        begin(self, course)

    def _on_stop(self, course: Course) -> None:
        course.active, self.changed = False, True

    def _on_cycle(self, course: Course) -> None:
        cycle(self, course)

    def _on_rule(self, therapy: Therapy) -> None:
        """Look at marrow or blood as a laboratory does, and book the therapy if it shows enough."""
        if therapy.rule is None:
            raise AssertionError("a rule day without a rule")
        marrow = sum(self.inside[place] for place in MARROW)
        aloft = self.blood.aloft(self.now)
        blood = sum(aloft.get(kind, 0) for kind in ("ctc_primary", "ctc_lesions", "ctc_marrow"))
        if count(self.rng, therapy.rule, self.n, marrow, blood) >= therapy.rule.threshold:
            self.out.guided = True
            self._book(therapy, self.now + therapy.rule.delay)

    def _on_visit(self, index: int) -> None:
        counts = dict.fromkeys(COUNTS, 0)
        for cell in self.cells:
            if cell.aloft:
                continue
            via = cell.place == "visceral" and cell.via_marrow
            counts["visceral_via_marrow" if via else cell.place] += 1
            if cell.place in MARROW:
                state = phenotype_at(self.rng, cell, self.now, self.n)
                counts[("epithelial", "hybrid", "mesenchymal")[state]] += 1
                counts["er_positive"] += cell.er
                counts["her2_positive"] += cell.her2
        for kind, number in self.blood.aloft(self.now).items():
            counts[kind] = number
        for lesion in self.out.lesions:
            if lesion.state == "restricted":
                counts["lesions_restricted"] += 1
            elif lesion.state != "gone":
                counts["lesions_growing"] += 1
        for name, number in counts.items():
            self.out.counts[name][index] = number

    def _on_death(self, cause: str) -> None:
        self.out.death, self.out.cause, self.done = self.now, cause, True

    def _on_end(self, without: str | None) -> None:
        self.done = without is None or self.index == math.inf
