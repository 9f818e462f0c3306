from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.study.published import Marker
from marrowtrace.study.sampled_marker import SampledMarker, marker_status
from tests.study.synthetic_panel import panel

DTC = SampledMarker(
    visit="12 months", day=365.25, phase="post", assay="a45-b-b3", cell_class="DTC"
)  # fmt: skip


@pytest.fixture(scope="module")
def study():
    return panel(300)


def test_own_rule_threshold_and_grey_zone(study):
    counts = study.counts["12 months", "a45-b-b3"]
    np.testing.assert_array_equal(DTC.positive(study), study.positive["12 months", "a45-b-b3"])
    grey = marker_status(study, Marker("12 months", "a45-b-b3", 3, negative_below=1))
    expected = np.where(counts < 0, -1, np.where(counts >= 3, 1, np.where(counts == 0, 0, -1)))
    np.testing.assert_array_equal(grey, expected)


def test_values_are_counts_and_nan_without_a_sample(study):
    counts = study.counts["12 months", "a45-b-b3"]
    np.testing.assert_array_equal(np.isnan(DTC.value(study)), counts < 0)
    np.testing.assert_array_equal(DTC.value(study)[counts >= 0], counts[counts >= 0])


def test_an_assay_without_counts_has_its_verdict_as_value():
    study = panel(300)
    study.counts["12 months", "a45-b-b3"][:] = -1
    values = DTC.value(study)
    own = study.positive["12 months", "a45-b-b3"]
    np.testing.assert_array_equal(values[own >= 0], own[own >= 0])
    assert np.isnan(values[own < 0]).all()


@pytest.mark.parametrize(
    ("visit", "threshold", "label"),
    [
        ("diagnosis", None, "DTC at diagnosis (a45-b-b3)"),
        ("after surgery", 1, "DTC after surgery (a45-b-b3)"),
        ("12 months", 5.0, "DTC >= 5 at 12 months (a45-b-b3)"),
    ],
)
def test_labels_read_as_a_reader_would_say_them(visit, threshold, label):
    marker = SampledMarker(
        visit=visit, day=0.0, phase="pre", assay="a45-b-b3", cell_class="DTC", threshold=threshold
    )
    assert marker.label == label
