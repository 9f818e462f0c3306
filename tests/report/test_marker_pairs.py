from __future__ import annotations

from dataclasses import replace

import numpy as np

from marrowtrace.report.marker_pairs import marker_pairs, pairs_table
from tests.report.prognoses import made, pairs, simplest, whole


def test_pairs_agree_or_convert():
    kinds = [
        (p.first, p.second, p.agreement is not None, p.conversion is not None) for p in pairs()
    ]
    assert kinds == [
        ("DTC_pre", "DTC_post:>=1", False, True),
        ("DTC_pre", "CTC_post", False, False),
        ("DTC_post:>=1", "CTC_post", True, False),
    ]
    assert "within 31 days" in pairs()[1].remark
    assert pairs()[1].sentences()[0].startswith("DTC_pre and CTC_post: not compared; no patient")
    assert "McNemar p" in pairs()[2].sentences()[0]
    assert pairs_table(pairs()).height == 3
    assert "pairs" not in pairs()[2].to_json()["agreement"]


def test_same_samples_are_no_pair():
    found = simplest("DTC_pre:>=1", "DTC_pre:>=3").found
    (pair,) = marker_pairs(np.random.default_rng(1), made(), found)
    assert "same samples with another threshold" in pair.remark


def test_samples_after_the_landmark_do_not_count():
    found = whole().found
    early = replace(found, landmark=100.0)
    conversion, _, agreement = marker_pairs(np.random.default_rng(1), made(), early)
    assert "post" in conversion.remark
    assert "post" in agreement.remark
