from __future__ import annotations

import copy
import json
import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from marrowtrace.errors import OutputError
from marrowtrace.report.study_page import study_page, write
from marrowtrace.study.analysis import analyse_panel
from tests.study.synthetic_panel import PAIR, panel, protocol


@pytest.fixture(scope="module")
def results():
    study = panel(500)
    found = analyse_panel(study.protocol, study)
    return json.loads(json.dumps(found))  # as it is read back from results.json


@pytest.fixture(scope="module")
def text(results):
    return study_page(results).html()


def test_every_section_is_there_in_order(text):
    titles = re.findall(r"<h2>([^<]*)</h2>", text)
    assert titles == [
        "At a glance", "What was done", "Who was studied", "What the assays found",
        "Beside published figures", "Relapse over the years", "Where relapses came from",
        "Markers and outcome: Table 2 regenerated", "Blood against marrow", "Patients in detail",
        "What the model cannot say", "Parameters and sources", "How this was made",
        "Papers to cite",
    ]  # fmt: skip


def test_nothing_is_fetched_and_nothing_runs(text):
    assert "<script" not in text
    assert not re.search(r"(src|href)=['\"]https?:", text)
    assert "default-src 'none'" in text
    assert text.count("Research use only") >= 2


def test_every_figure_has_a_number_a_caption_and_a_description(text):
    figures = re.findall(r"<figure>.*?</figure>", text, flags=re.S)
    assert len(figures) >= 10
    for number, figure in enumerate(figures, start=1):
        assert f"Figure {number}. " in figure
        assert re.search(r"alt='[^']{20,}", figure)


def test_numbers_of_the_page_are_those_of_the_results(results, text):
    row = next(r for r in results["markers"]["rows"] if r["endpoint"] == "disease_free")
    assert f"{row['landmark']['hr']:.2f} ({row['landmark']['low']:.2f} to" in text
    assert f"{results['study']['analysed']:,} virtual patients" in text
    for one in results["published"]:
        assert one["label"].replace("'", "&#x27;") in text


def test_parameters_are_folded_away_with_their_sources(results, text):
    folded = re.search(r"<details><summary>All (\d+) parameters", text)
    assert folded
    assert int(folded[1]) == sum(not row["arm"] for row in results["parameters"])


def test_the_page_and_its_figures_are_written(results, tmp_path):
    path = write(results, tmp_path, figures=("svg",))
    assert path == tmp_path / "report.html"
    names = {p.name for p in (tmp_path / "figures").iterdir()}
    assert {"flow.svg", "detection.svg", "published-shares.svg", "annual-hazard.svg"} <= names
    assert all(p.read_bytes().startswith(b"<?xml") for p in (tmp_path / "figures").iterdir())


def test_an_unknown_form_of_figures_is_refused_before_anything_is_written(results, tmp_path):
    with pytest.raises(OutputError, match=r"figures cannot be written as 'tiff'; allowed: svg"):
        write(results, tmp_path, figures=("tiff",))
    assert not list(tmp_path.iterdir())


def test_a_study_of_one_analysis_has_a_short_page():
    study = panel(120, plan=protocol(analyses={"wanted": ["detection"]}))
    page = study_page(analyse_panel(study.protocol, study)).html()
    assert "What the assays found" in page
    assert "Blood against marrow" not in page
    assert "Beside published figures" not in page


def test_no_events_and_no_cells_still_make_a_page():
    study = panel(60)
    time = np.full(60, 9 * 365.25)
    quiet = replace(
        study,
        follow_up={name: (time, np.zeros(60, np.int8)) for name in study.follow_up},
        counts={key: np.zeros_like(value) for key, value in study.counts.items()},
        positive={key: np.zeros_like(value) for key, value in study.positive.items()},
        truth=study.truth.with_columns(pl.lit(None, pl.String).alias("relapse_origin")),
    )
    page = study_page(analyse_panel(quiet.protocol, quiet)).html()
    assert "nobody was positive, so there is nothing to compare" in page
    assert "No distant relapse was seen" in page
    assert "cannot be told" in page


def test_blood_alone_and_one_arm_make_a_page():
    visits = [{"name": "diagnosis", "day": "0 d", "phase": "pre", "assays": [PAIR[0]]}]
    plan = protocol(
        visits=visits, arms=[{"name": "one", "regimens": []}], cancer="localised-prostate"
    )
    study = panel(300, plan=protocol())
    key = ("diagnosis", PAIR[0])
    bare = replace(
        study, protocol=plan, counts={key: study.counts[key]},
        positive={key: study.positive[key]}, sampled={"diagnosis": study.sampled["diagnosis"]},
        patients=study.patients.with_columns(arm=pl.lit("one")).drop("er"),
    )  # fmt: skip
    results = analyse_panel(plan, bare)
    page = study_page(results).html()
    assert "Blood against marrow" not in page
    assert [g["group"] for g in results["hazard"]["groups"]] == ["all"]
    assert "Arms compared" not in page


def bare(results):
    """The results without what takes long to draw."""
    empty = dict.fromkeys(("recurrence", "hazard", "markers"))
    empty |= {name: [] for name in ("detection", "published", "relapse_origin")}
    return copy.deepcopy(results) | empty | {"ctc_against_dtc": []}


def test_text_of_the_protocol_is_escaped(results):
    changed = bare(results) | {"lives": []}
    changed["study"]["title"] = "<b>bold</b>"
    assert "<b>bold</b>" not in study_page(changed).html()


def test_a_failed_replay_is_told(results):
    changed = bare(results)
    changed["lives"][0]["remark"] = "made by another version"
    assert "The replay failed: made by another version" in study_page(changed).html()


def test_clones_are_drawn_where_there_are_some(results):
    changed = bare(results)
    changed["lives"] = changed["lives"][:1]
    changed["lives"][0]["clones"] = {
        "names": ["A", "B"], "parents": [-1, 0], "samples": ["primary", "blood, year 1.0"],
        "shares": [[1.0, 1.0], [0.1, 0.6]],
    }  # fmt: skip
    assert "share of each sample&#x27;s cells that carry" in study_page(changed).html()


def test_many_published_figures_are_drawn_on_several_pages(results, tmp_path):
    changed = bare(results)
    shares = [row for row in results["published"] if row["quantity"] == "share"]
    known = next(row for row in shares if row["simulated"] is not None)
    changed["published"] = [known | {"calibrated": k % 2 == 0} for k in range(40)]
    changed["lives"] = []
    write(changed, tmp_path, figures=("svg",))
    names = {p.stem for p in (tmp_path / "figures").iterdir()} - {"flow"}
    assert names == {
        "published-shares-held-out-1", "published-shares-held-out-2",
        "published-shares-calibrated-1", "published-shares-calibrated-2",
    }  # fmt: skip
