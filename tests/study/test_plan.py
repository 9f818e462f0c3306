import pytest

from marrowtrace.study.plan import plan
from tests.study.small_study import small


def test_the_plan_says_what_will_be_done():
    found = plan(small(), workers=1)
    assert found.patients == 300
    assert found.readings == 300 * 7
    guided = [row for row in found.arms if row["arm"] == "guided"]
    assert [row["therapy"] for row in guided] == [
        "surgery", "chemotherapy-adjuvant", "endocrine-5y", "docetaxel-secondary",
    ]  # fmt: skip
    assert guided[-1]["rule"] == "a45-b-b3 >= 1 at '8 months'"
    assert guided[-1]["start"] == pytest.approx(243.5 + 14)
    assert found.visits[-1]["day"] == "at relapse"
    assert all(row["kind"] and row["where"] for row in found.parameters)


def test_paired_arms_are_simulated_in_full():
    found = plan(small(allocation="paired"))
    assert found.patients == 600
    assert plan(small()).seconds < found.seconds
