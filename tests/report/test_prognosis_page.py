from __future__ import annotations

from dataclasses import replace

from marrowtrace.report.prognosis_files import prognosis_figures
from marrowtrace.report.prognosis_page import prognosis_page, verdict
from tests.report.prognoses import figures, made, pairs, simplest, whole


def page(result, found_pairs, drawn):
    return prognosis_page(result, found_pairs, made(), name="demo", seed=1, figures=drawn)


def test_page_says_what_was_done():
    text = page(whole(), pairs(), figures()).html()
    for words in (
        "Prognosis: DTC_pre, DTC_post:&gt;=1, CTC_post and relapse",
        "landmark analysis at day 365", "immortal time", "Aalen-Johansen", "Fine-Gray",
        "10-fold cross-validation", "seed 1", "REMARK", "Flow of patients", "nothing was imputed",
        "Cut-points", "location-shifted", "Landmarks on days 365, 600", "Decision curves",
        "numbers at risk",
    ):  # fmt: skip
        assert words in text, words
    assert text.count("<img") == len(figures())
    assert "McShane" in text


def test_page_of_the_simplest_analysis():
    found = simplest("DTC_pre:>=1")
    text = page(found, (), prognosis_figures(found)).html()
    assert "Added value over clinical variables was not asked for" in text
    assert "landmark analysis" not in text
    assert "The analysis starts at day 0" in text
    assert "id='cut-points'" not in text
    assert "No clinical variable was named" in text


def test_verdicts():
    text = verdict(whole().markers[0], "relapse")
    assert text.startswith("DTC_pre: hazard ratio for relapse ")
    assert "per doubling of 1 + count" in text
    assert "Area under the ROC curve at" in text


def test_one_possible_cut_point_is_no_search():
    result = whole()
    marker = result.markers[0]
    alone = replace(marker.cut, curve=marker.cut.curve.head(1))
    changed = replace(result, markers=(replace(marker, cut=alone), *result.markers[1:]))
    text = page(changed, (), figures()).html()
    assert "DTC_pre: only one cut-point" in text


def test_small_samples_show_the_exact_bound():
    result = whole()
    marker = result.markers[0]
    small = replace(marker, cut=replace(marker.cut, p_small_sample=0.034))
    changed = replace(result, markers=(small, *result.markers[1:]))
    assert "at most 0.034 by exact laws" in page(changed, (), figures()).html()
