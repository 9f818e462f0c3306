import numpy as np
import pytest

from marrowtrace.study.allocation import draw_arms, draw_attendance, draw_drop_out, draw_entry
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue, ks_pvalue

NUMBERS = np.arange(20_000, dtype=np.int64)
SHARES = (2.0, 1.0, 1.0)


def arm_p(shares):
    return chi2_pvalue(draw_arms(1, NUMBERS, SHARES), np.asarray(shares) / sum(shares))


def test_laws():
    assert_family(
        {
            "arms": arm_p(SHARES),
            "entry": ks_pvalue(draw_entry(1, NUMBERS, 400.0), lambda x: np.clip(x / 400.0, 0, 1)),
            "drop-out": ks_pvalue(draw_drop_out(1, NUMBERS, 0.01), lambda x: -np.expm1(-0.01 * x)),
            "attendance": chi2_pvalue(
                draw_attendance(1, NUMBERS, "diagnosis", 0.7).astype(int), np.array([0.3, 0.7])
            ),
        }
    )


def test_the_check_has_power():
    assert arm_p((1.9, 1.0, 1.0)) < ALPHA


def test_draws_belong_to_the_patient():
    """Another set of patients, another visit or another draw changes nobody."""
    some = NUMBERS[[3, 70, 500]]
    for draw in (
        lambda n: draw_arms(1, n, SHARES),
        lambda n: draw_entry(1, n, 400.0),
        lambda n: draw_drop_out(1, n, 0.01),
        lambda n: draw_attendance(1, n, "24 months", 0.5),
    ):
        np.testing.assert_array_equal(draw(some), draw(NUMBERS)[some])


def test_draws_are_independent_of_each_other():
    drawn = np.stack(
        [
            draw_entry(1, NUMBERS, 1.0),
            np.exp(-draw_drop_out(1, NUMBERS, 1.0)),
            draw_attendance(1, NUMBERS, "a", 0.5),
            draw_attendance(1, NUMBERS, "b", 0.5),
            draw_arms(1, NUMBERS, (1.0, 1.0)),
        ]
    )
    off = np.corrcoef(drawn)[np.triu_indices(5, 1)]
    assert np.abs(off).max() < 4.0 / np.sqrt(NUMBERS.size)


@pytest.mark.parametrize("rate", [0.0])
def test_limits(rate):
    assert np.isinf(draw_drop_out(1, NUMBERS, rate)).all()
    assert not draw_entry(1, NUMBERS, 0.0).any()
    assert draw_attendance(1, NUMBERS, "x", 1.0).all()
    assert not draw_attendance(1, NUMBERS, "x", 0.0).any()
    assert not draw_arms(1, NUMBERS, (1.0,)).any()
