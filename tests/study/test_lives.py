from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from marrowtrace.simulation import life
from marrowtrace.study.analysis import Analysis
from marrowtrace.study.lives import choose_lives, replay_lives
from marrowtrace.study.panel import Panel
from marrowtrace.study.run import run
from tests.study.small_study import small
from tests.study.synthetic_panel import YEAR, panel


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lives") / "out"
    run(small(), folder)
    study = Panel.read(folder)
    return Analysis(study.protocol, study)


def test_rules_choose_the_lowest_number_that_fits():
    study = panel(2000)
    markers = Analysis(study.protocol, study).markers
    chosen = choose_lives(study, markers)
    assert [one.title for one in chosen] == [
        "A relapse from the marrow reservoir",
        "Cells in the sample, yet no event",
        "An early event",
    ]
    carrier = study.counts["diagnosis", "a45-b-b3"] > 0
    time, code = study.follow_up["distant_relapse"]
    rested = (study.truth["relapse_site"] == "bone").fill_null(value=False).to_numpy()
    rested &= (study.truth["awakened"] - study.truth["seeded"]).fill_null(0).to_numpy() >= YEAR
    fits = np.flatnonzero(carrier & rested & (code == 1) & (time >= 3 * YEAR))
    assert chosen[0].row == fits[0]
    quiet = np.flatnonzero(carrier & (code != 1) & (time >= 9 * YEAR))
    assert carrier[chosen[1].row]
    assert code[chosen[1].row] != 1
    assert chosen[1].row <= quiet[0]
    early = np.flatnonzero((code == 1) & (time <= 3 * YEAR))
    assert chosen[2].row in early[:2]


def test_nobody_who_fits_is_passed_over_and_fewer_are_chosen():
    study = panel(200)
    time = np.full(200, 12 * YEAR)
    quiet = replace(
        study,
        follow_up={"distant_relapse": (time, np.zeros(200, np.int8))},
        truth=study.truth.with_columns(pl.lit(None, pl.String).alias("relapse_origin")),
    )
    titles = [one.title for one in choose_lives(quiet, Analysis(study.protocol, study).markers)]
    assert titles == ["Cells in the sample, yet no event", "No event"]
    assert choose_lives(quiet, [], wanted=0) == []


def test_replayed_patients_are_those_of_the_study_even_where_a_rule_added_therapy(ran):
    study = ran.panel
    guided = (study.patients["arm"] == "guided").to_numpy()
    added = guided & (study.counts["8 months", "a45-b-b3"] > 0)
    rows = [*np.flatnonzero(added)[:6], *np.flatnonzero(~added)[:6]]
    for row in rows:
        number = int(study.patients["number"][int(row)])
        again = life(ran.scenario_of(int(row)), study.protocol.seed, number)
        record = again.record.patient_table().row(0, named=True)
        told = study.truth["distant_relapse"][int(row)] if _has(study) else None
        if told is not None and math.isfinite(told):
            assert record["distant_relapse"] == pytest.approx(told)
        detected = study.truth["detected"][int(row)]
        if detected is not None and math.isfinite(detected):
            assert record["distant_relapse"] == pytest.approx(max(0.0, detected))


def _has(study):
    return "distant_relapse" in study.truth.columns


def test_a_life_holds_course_therapies_and_every_sample(ran):
    lives = ran.lives()
    assert lives
    for one in lives:
        row = int(np.flatnonzero(
            (ran.panel.patients["number"] == one["number"]).to_numpy()
            & (ran.panel.patients["arm"] == one["arm"]).to_numpy()
        )[0])  # fmt: skip
        course = one["course"]
        assert len({len(values) for values in course.values()}) == 1
        assert min(v for v in course["blood"] if v is not None) >= 1.0
        assayed = [key for key, seen in ran.panel.positive.items() if seen[row] >= 0]
        assert {(s["visit"], s["assay"]) for s in one["samples"]} == set(assayed)
        for therapy in one["therapies"]:
            assert therapy["stop"] is None or therapy["stop"] >= therapy["start"]
        assert one["ending"]


def test_a_replay_that_fails_says_so(ran):
    chosen = choose_lives(ran.panel, ran.markers, wanted=1)

    def broken(row):
        from marrowtrace.errors import SimulationError

        raise SimulationError("no such scenario")

    (one,) = replay_lives(ran.panel, ran.markers, chosen, broken)
    assert one["remark"] == "no such scenario"
