"""All analyses of a finished run, as plain values for ``results.json`` (``docs/results.md``).

What may differ between two identical runs stands under ``provenance`` and ``timing`` alone.
"""

from __future__ import annotations

import platform
import time as clock
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace import __version__
from marrowtrace.catalog import Description, description, target_names, targets
from marrowtrace.study.annual_hazard import annual_hazard
from marrowtrace.study.arm_comparison import compare_arms
from marrowtrace.study.baseline import baseline_rows
from marrowtrace.study.clone_shares import clone_shares
from marrowtrace.study.comparison import (
    evidence_rows,
    hazard_rows,
    not_judged,
    published_rows,
)
from marrowtrace.study.detection import detection_rows
from marrowtrace.study.endpoint import ENDPOINTS
from marrowtrace.study.flow import flow_rows
from marrowtrace.study.limits import limits
from marrowtrace.study.lives import choose_lives, replay_lives
from marrowtrace.study.marker_comparison import compare_markers
from marrowtrace.study.panel import Panel
from marrowtrace.study.prognosis_tables import marker_rows, printed_effects
from marrowtrace.study.protocol import Eligibility
from marrowtrace.study.recurrence import recurrence_by_arm, recurrence_by_marker
from marrowtrace.study.relapse_origin import relapse_origin
from marrowtrace.study.sampled_marker import SampledMarker
from marrowtrace.study.scenarios import arm_parameters, arm_scenario, rules_in_time

if TYPE_CHECKING:
    from marrowtrace.assays.assay import Assay
    from marrowtrace.simulation import Scenario
    from marrowtrace.study.protocol import Protocol
    from marrowtrace.study.published import Marker

SCHEMA = "marrowtrace.results/1"
RELAPSES = ("relapse", "distant_relapse", "disease_free", "death")
"""Endpoints that stand for recurrence, best first."""
NOISE_STREAM = 65_535
"""Process number of the stream that draws the sampling noise; patients have none of it."""


def analyse(protocol: Protocol, folder: Path) -> dict[str, Any]:
    """Analyse a finished run.

    Parameters
    ----------
    protocol : Protocol
    folder : Path
        Result folder of the run.

    Returns
    -------
    dict
        Plain JSON values; `marrowtrace.study.analysis.SCHEMA` names the form.

    Raises
    ------
    MissingFileError, InputFileError
        If the folder holds no finished run.
    """
    return analyse_panel(protocol, Panel.read(folder), folder=folder)


def analyse_panel(
    protocol: Protocol, panel: Panel, *, folder: Path | None = None
) -> dict[str, Any]:
    """Analyse the patients of a run; see `analyse`."""
    started = clock.perf_counter()
    results = Analysis(protocol, panel, folder).results()
    created = datetime.now(UTC).isoformat(timespec="seconds")
    results["provenance"] = {
        "version": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "created": created,
    }
    results["timing"] = {"analysis_seconds": round(clock.perf_counter() - started, 2)}
    return results


@dataclass(frozen=True)
class Analysis:
    """The analyses of one run, each made when it is asked for.

    Parameters
    ----------
    protocol : Protocol
    panel : Panel
    folder : Path, optional
        Of the run, where clones of replayed patients are looked for.
    """

    protocol: Protocol
    panel: Panel
    folder: Path | None = None

    @cached_property
    def about(self) -> Description:
        """What the parameter set of the study describes."""
        return description(self.protocol.cancer)

    @cached_property
    def arms(self) -> list[tuple[str, NDArray[np.bool_]]]:
        """Patients of each arm."""
        names = self.panel.patients["arm"].to_numpy()
        return [(arm.name, np.asarray(names == arm.name)) for arm in self.protocol.arms]

    @cached_property
    def among(self) -> NDArray[np.bool_]:
        """Patients that may be pooled: all, or the first arm where patients are in each."""
        if self.protocol.allocation == "paired":
            return self.arms[0][1]
        return np.ones(len(self.panel), dtype=bool)

    @cached_property
    def groups(self) -> list[tuple[str, NDArray[np.bool_]]]:
        """All patients, then each arm; paired arms are not pooled."""
        if len(self.arms) == 1:
            return [("all", self.among)]
        return [
            *([] if self.protocol.allocation == "paired" else [("all", self.among)]),
            *self.arms,
        ]

    @cached_property
    def strata(self) -> NDArray[np.int64] | None:
        """Number of each patient's arm, where arms are pooled."""
        if len(self.arms) == 1 or self.protocol.allocation == "paired":
            return None
        codes = np.zeros(len(self.panel), dtype=np.int64)
        for number, (_, members) in enumerate(self.arms):
            codes[members] = number
        return codes

    @cached_property
    def markers(self) -> list[SampledMarker]:
        """Every assay at every visit, by day; those at relapse last."""
        arm = self.protocol.arms[0]
        found = [
            SampledMarker(
                visit=visit.name,
                day=self.protocol.day_of(visit, arm),
                phase=visit.phase,
                assay=assay,
                cell_class=self.assays[assay].cell_class,
                rule=_rule(self.assays[assay]),
            )
            for visit in self.protocol.visits
            for assay in visit.assays
            if (visit.name, assay) in self.panel.positive
        ]
        return sorted(found, key=lambda marker: marker.day)

    @cached_property
    def assays(self) -> dict[str, Assay]:
        """The assays of the study by name."""
        from marrowtrace.study.observation import study_assay

        return {use.name: study_assay(use) for use in self.protocol.assays}

    def with_rule(self, wanted: Marker) -> SampledMarker:
        """Return a marker of the protocol as one of `markers`, with its threshold."""
        found = next(m for m in self.markers if m.key == (wanted.visit, wanted.assay))
        return replace(found, threshold=wanted.threshold, negative_below=wanted.negative_below)

    @cached_property
    def wanted(self) -> list[SampledMarker]:
        """Markers of the prognosis tables."""
        chosen = self.protocol.analyses.markers
        return [self.with_rule(marker) for marker in chosen] if chosen else self.markers

    @cached_property
    def outcomes(self) -> list[str]:
        """Endpoints of the prognosis tables: death, and freedom from relapse or what there is."""
        if self.protocol.analyses.endpoints:
            return list(self.protocol.analyses.endpoints)
        usual = [name for name in ("death", "disease_free") if name in self.panel.follow_up]
        return usual or list(self.panel.follow_up)[:2]

    @property
    def relapse(self) -> str:
        """Endpoint that stands for recurrence."""
        known = [name for name in RELAPSES if name in self.panel.follow_up]
        return known[0] if known else next(iter(self.panel.follow_up))

    @cached_property
    def surgery(self) -> NDArray[np.float64]:
        """Each patient's day of surgery; infinite for never."""
        days = np.full(len(self.panel), np.inf)
        for arm, (_, members) in zip(self.protocol.arms, self.arms, strict=True):
            days[members] = self.protocol.day_of_surgery(arm)
        return days

    def asked(self, name: str) -> bool:
        """Whether the protocol wants an analysis."""
        return name in self.protocol.analyses.wanted

    def results(self) -> dict[str, Any]:
        """Return all that `analyse` returns, but for provenance and timing."""
        published = self.published() if self.asked("published") else []
        return {
            "schema": SCHEMA,
            "study": self.study(),
            "patients": {
                "groups": [
                    {"name": name, "patients": int(members.sum())} for name, members in self.groups
                ],
                "rows": baseline_rows(self.panel, self.groups),
            },
            "flow": self.flow(),
            "detection": detection_rows(self.panel, self.markers, self.groups)
            if self.asked("detection")
            else [],
            "recurrence": self.recurrence() if self.asked("recurrence") else None,
            "hazard": annual_hazard(self.panel, self.relapse, self.receptor_groups())
            if self.asked("hazard")
            else None,
            "relapse_origin": [
                {"group": name} | relapse_origin(self.panel, surgery=self.surgery, members=members)
                for name, members in (self.arms if len(self.arms) > 1 else self.groups)
            ]
            if self.asked("relapse_origin")
            else [],
            "markers": self.marker_tables() if self.asked("markers") else None,
            "ctc_against_dtc": self.blood_against_marrow() if self.asked("ctc_against_dtc") else [],
            "lives": self.lives() if self.asked("lives") else [],
            "published": published,
            "limits": limits(
                self.protocol,
                arm_parameters(self.protocol, self.protocol.arms[0]),
                published,
                incomplete=self.incomplete(),
            ),
            "parameters": self.parameters(),
            "citations": self.citations(published),
        }

    def study(self) -> dict[str, Any]:
        """Return what the study is."""
        plan = self.protocol
        first = plan.arms[0]
        return {
            "name": plan.name,
            "title": plan.title,
            "question": plan.question,
            "notes": plan.notes,
            "cancer": plan.cancer,
            "about": self.about.title,
            "structure": self.about.structure,
            "seed": plan.seed,
            "patients": plan.patients,
            "analysed": len(self.panel),
            "allocation": plan.allocation,
            "pooled": plan.arms[0].name if plan.allocation == "paired" else "all",
            "index_event": plan.index_event,
            "horizon": plan.horizon,
            "arms": [
                {
                    "name": arm.name,
                    "label": arm.label,
                    "share": arm.share,
                    "cancer": arm.cancer or plan.cancer,
                    "surgery": _finite(plan.day_of_surgery(arm)),
                    "regimens": [use.name for use in arm.regimens],
                    "rules": [
                        f"if {rule.assay} at {rule.visit} finds {rule.threshold:g} or more: "
                        f"{rule.regimen.name}"
                        for rule in arm.rules
                    ],
                }
                for arm in plan.arms
            ],
            "visits": [
                {
                    "name": visit.name,
                    "day": _finite(plan.day_of(visit, first)),
                    "phase": visit.phase,
                    "assays": list(visit.assays),
                }
                for visit in plan.visits
            ],
            "endpoints": [
                {
                    "name": one.name,
                    "label": one.label,
                    "meaning": ENDPOINTS.get(one.name, one.name),
                    "clock": one.clock,
                }
                for one in plan.endpoints
            ],
            "follow_up": {
                "accrual": plan.follow_up.accrual,
                "closes": _finite(plan.follow_up.closes),
                "drop_out": plan.follow_up.drop_out,
            },
        }

    def flow(self) -> dict[str, Any]:
        """Return who was simulated, left out, followed, sampled and treated by a rule."""
        visits = [
            (visit.name, self.protocol.day_of(visit, self.protocol.arms[0]))
            for visit in self.protocol.visits
        ]
        planned = sorted((v for v in visits if np.isfinite(v[1])), key=lambda v: v[1])
        screened = self.panel.screened.select("arm", "reason", "patients").to_dicts()
        rows = flow_rows(self.panel, planned, self.arms, endpoint=self.relapse)
        for row, arm in zip(rows, self.protocol.arms, strict=True):
            members = dict(self.arms)[arm.name]
            row["rules"] = [
                {
                    "visit": rule.visit,
                    "assay": rule.assay,
                    "threshold": float(rule.threshold),
                    "regimen": rule.regimen.name,
                    "positive": int((members & self._positive(rule.visit, rule)).sum()),
                }
                for rule in rules_in_time(self.protocol, arm)
            ]
            row["treated"] = {
                name: int((taken & members).sum())
                for name, taken in self.panel.treated.items()
                if (taken & members).any()
            }
        return {"endpoint": self.relapse, "screened": screened, "arms": rows}

    def _positive(self, visit: str, rule: Any) -> NDArray[np.bool_]:
        return np.asarray(self.panel.status(visit, rule.assay, rule.threshold) == 1)

    def recurrence(self) -> dict[str, Any]:
        """Return cumulative incidences of every endpoint by arm, of recurrence by marker."""
        by_arm, arms = [], []
        paired = self.protocol.allocation == "paired"
        for one in self.protocol.endpoints:
            if one.name not in self.panel.follow_up:
                continue
            operated = one.clock == "surgery" and np.isfinite(self.surgery).all()
            start = self.surgery if operated else None
            groups = self.arms if len(self.arms) > 1 else self.groups
            by_arm.append(
                recurrence_by_arm(self.panel, one.name, groups, start=start, paired=paired)
            )
            if len(self.arms) > 1:
                arms += compare_arms(
                    self.panel,
                    one.name,
                    self.arms,
                    paired=paired,
                    start=start,
                    references=self.references(),
                )
        by_marker = [
            recurrence_by_marker(self.panel, self.relapse, marker, members=self.among)
            for marker in self.markers
            if np.isfinite(marker.day)
        ]
        return {
            "main": self.relapse,
            "by_arm": by_arm,
            "arms_compared": arms,
            "by_marker": by_marker,
        }

    def references(self) -> dict[str, str]:
        """Return the arm that each is compared with: the first of its own parameter set."""
        found: dict[str, str] = {}
        firsts: dict[str, str] = {}
        for arm in self.protocol.arms:
            name = arm.cancer or self.protocol.cancer
            found[arm.name] = firsts.setdefault(name, arm.name)
        first = self.protocol.arms[0].name
        return {name: other if other != name else first for name, other in found.items()}

    def receptor_groups(self) -> list[tuple[str, NDArray[np.bool_]]]:
        """Return patients by oestrogen receptor, or all where there is none."""
        patients = self.panel.patients
        if "er" in patients.columns and patients["er"].n_unique() > 1:
            er = patients["er"].cast(str).fill_null("").to_numpy()
            groups = [
                (f"ER {word}", np.asarray(self.among & (er == word)))
                for word in ("positive", "negative")
            ]
            return [(name, mask) for name, mask in groups if mask.any()]
        return [("all", self.among)]

    def marker_tables(self) -> dict[str, Any]:
        """Return each marker against each outcome, with what the review prints of the same."""
        rows = marker_rows(
            self.panel, self.wanted, self.outcomes, strata=self.strata, members=self.among
        )
        return {"rows": rows, "printed": printed_effects(self.about, rows)}

    def pairs(self) -> list[tuple[SampledMarker, SampledMarker]]:
        """Return blood and marrow markers to compare: the protocol's, then by visit."""
        found = []
        chosen = [self.with_rule(marker) for marker in self.protocol.analyses.pair]
        if len(chosen) == 2:
            blood = next((m for m in chosen if m.cell_class == "CTC"), chosen[0])
            marrow = next(m for m in chosen if m is not blood)
            found.append((blood, marrow))
        for visit in dict.fromkeys(m.visit for m in self.markers if np.isfinite(m.day)):
            here = [m for m in self.markers if m.visit == visit]
            blood_markers = [m for m in here if m.cell_class == "CTC"]
            marrow_markers = [m for m in here if m.cell_class == "DTC"]
            if blood_markers and marrow_markers:
                pair = (blood_markers[0], marrow_markers[0])
                if pair[0].key not in {one.key for one, _ in found}:
                    found.append(pair)
        return found

    def blood_against_marrow(self) -> list[dict[str, Any]]:
        """Return blood and marrow markers compared on the same patients, one entry a visit."""
        from marrowtrace.streams import generator

        names = [
            name
            for name in dict.fromkeys((*self.outcomes, "distant_relapse"))
            if name in self.panel.follow_up
        ]
        return [
            compare_markers(
                generator(self.protocol.seed, NOISE_STREAM, number), self.panel, blood, marrow,
                names, members=self.among, noise=number == 0,
            )
            for number, (blood, marrow) in enumerate(self.pairs())
        ]  # fmt: skip

    def lives(self) -> list[dict[str, Any]]:
        """Return a few patients replayed."""
        chosen = choose_lives(
            self.panel, self.markers, wanted=self.protocol.analyses.lives, members=self.among
        )
        lives = replay_lives(self.panel, self.markers, chosen, self.scenario_of)
        for life in lives:
            found = None if self.folder is None else clone_shares(self.folder, life["patient_id"])
            life["clones"] = found
        return lives

    def scenario_of(self, row: int) -> Scenario:
        """Return the scenario that a patient lived, with what rules added."""
        arm = self.protocol.arm(str(self.panel.patients["arm"][row]))
        taken = [
            bool(self._positive(rule.visit, rule)[row])
            for rule in rules_in_time(self.protocol, arm)
        ]
        return arm_scenario(self.protocol, arm, taken)

    def published(self) -> list[dict[str, Any]]:
        """Return every published figure beside the simulated one."""
        rows = published_rows(self.panel, self.protocol.published, among=self.among)
        fitted = [
            (target.citation.key, target.value)
            for target in _targets(self.protocol.cancer)
            if target.used and target.citation
        ]
        rows += evidence_rows(
            self.panel, self.markers, self.about, named=rows, fitted=fitted, among=self.among
        )
        rows += hazard_rows(self.panel, self.about, self.relapse, named=rows, among=self.among)
        if self.protocol.eligibility == Eligibility(
            metastatic=self.protocol.eligibility.metastatic
        ):
            return rows
        return [row if row["source"] == "protocol" else not_judged(row) for row in rows]

    def incomplete(self) -> int:
        """Return how many histories reached a limit of the simulation."""
        ended = self.panel.patients["follow_up_end"]
        return int((ended == "simulation limit").sum())

    def parameters(self) -> list[dict[str, Any]]:
        """Return the parameters of the first arm, and what the others have otherwise."""
        first = self.protocol.arms[0]
        usual = arm_parameters(self.protocol, first)
        changed = {*self.protocol.parameters, *first.parameters}
        rows = [
            {**p.as_row(), "arm": "", "changed": symbol in changed} for symbol, p in usual.items()
        ]
        for arm in self.protocol.arms[1:]:
            other = arm_parameters(self.protocol, arm)
            rows += [
                {**p.as_row(), "arm": arm.name, "changed": True}
                for symbol, p in other.items()
                if symbol not in usual or usual[symbol].canonical != p.canonical
            ]
        return rows

    def citations(self, published: Sequence[dict[str, Any]]) -> list[str]:
        """Return the keys of the papers to cite, sorted."""
        from marrowtrace.citations import bibliography

        keys = {"sai2018", *(row["citation"] for row in published)}
        for arm in self.protocol.arms:
            keys |= set(arm_parameters(self.protocol, arm).citations())
        return sorted(key for key in keys if key in bibliography())


def _targets(name: str) -> Sequence[Any]:
    """Targets of a parameter set, or none."""
    about = description(name)
    return targets(name) if {about.name, about.base} & set(target_names()) else ()


def _rule(assay: Assay) -> str:
    """What makes a sample positive by an assay's own rule."""
    if assay.readout == "signal":
        return "signal above the cut-off"
    return f">= {assay.numbers['threshold'].value:g} cell(s)"


def _finite(day: float) -> float | None:
    """A day for JSON; None for one that never comes."""
    return float(day) if np.isfinite(day) else None
