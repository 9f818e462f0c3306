from __future__ import annotations

import inspect

import pytest

from marrowtrace import errors
from marrowtrace.errors import MarrowtraceError, ProblemList, did_you_mean


def test_every_error_is_ours_and_refines_a_builtin():
    ours = [
        c
        for _, c in inspect.getmembers(errors, inspect.isclass)
        if issubclass(c, MarrowtraceError) and c is not MarrowtraceError
    ]
    assert len(ours) >= 10
    for error in ours:
        builtin = [b for b in error.__mro__ if b.__module__ == "builtins"]
        assert builtin[0] is not Exception, error


def test_all_problems_are_raised_together():
    problems = ProblemList()
    problems.add("samples.site", "1 row holds 'marow'")
    problems.add("follow_up.time", "1 row is empty")
    with pytest.raises(errors.CohortError) as raised:
        problems.raise_any(errors.CohortError, "the cohort tables")
    assert str(raised.value).splitlines() == [
        "2 problems in the cohort tables:",
        "  samples.site: 1 row holds 'marow'",
        "  follow_up.time: 1 row is empty",
    ]


def test_no_problems_raise_nothing():
    ProblemList().raise_any(errors.CohortError, "nothing")


def test_problems_can_be_taken_over():
    one, other = ProblemList(), ProblemList()
    one.add("a", "b")
    other.extend(one)
    assert [str(p) for p in other] == ["a: b"]


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("MAROW", "; did you mean 'bone_marrow'?"),
        ("bood", "; did you mean 'blood'?"),
        ("xyzzy", ""),
    ],
)
def test_nearest_word(word, hint):
    assert did_you_mean(word, ["bone_marrow", "blood"]) == hint
