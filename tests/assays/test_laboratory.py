from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from marrowtrace.assays.laboratory import Laboratories
from marrowtrace.errors import ParameterError
from tests.goodness_of_fit import assert_family, chi2_pvalue, ks_pvalue

LABS = Laboratories(count=9, recovery_log_sd=0.5, false_positive_log_sd=0.3)


def test_patients_are_spread_evenly():
    which = LABS.of_patients(3, np.arange(90_000))
    assert chi2_pvalue(which, np.full(9, 1 / 9)) > 1e-3
    again = LABS.of_patients(3, np.arange(40_000, 50_000))
    assert (again == which[40_000:50_000]).all()


def test_factors_are_log_normal_of_mean_one_and_independent():
    many = Laboratories(count=4000, recovery_log_sd=0.5, false_positive_log_sd=0.3)
    factors = many.factors(1, "iset")
    laws = [stats.lognorm(sd, scale=np.exp(-(sd**2) / 2)) for sd in (0.5, 0.3)]
    assert_family({
        "recovery": ks_pvalue(factors[:, 0], laws[0].cdf),
        "false positives": ks_pvalue(factors[:, 1], laws[1].cdf),
        "correlation": stats.spearmanr(*factors.T).pvalue,
        "other assay": stats.spearmanr(factors[:, 0], many.factors(1, "ema")[:, 0]).pvalue,
    })  # fmt: skip


def test_a_laboratory_keeps_its_factors_when_others_join():
    more = Laboratories(count=20, recovery_log_sd=0.5, false_positive_log_sd=0.3)
    assert (more.factors(7, "iset")[:9] == LABS.factors(7, "iset")).all()


def test_laboratories_that_do_not_differ_have_no_factors():
    assert Laboratories(count=9).for_patients(1, np.arange(5), "iset") is None
    found = LABS.for_patients(1, np.arange(5), "iset")
    assert found is not None
    assert (found == LABS.factors(1, "iset")[LABS.of_patients(1, np.arange(5))]).all()


def test_every_problem_is_listed():
    with pytest.raises(ParameterError) as caught:
        Laboratories(count=0, recovery_log_sd=-1, false_positive_log_sd=9)
    text = str(caught.value)
    assert "count: is 0; allowed: whole numbers from 1 to 10000" in text
    assert "recovery_log_sd: is -1; allowed: from 0 to 3" in text
    assert "false_positive_log_sd: is 9" in text
