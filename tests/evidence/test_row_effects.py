from __future__ import annotations

import math

import numpy as np
import pytest
from tests.evidence.made_rows import RATIOS, made_rates, ratios

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.row_effects import natural, row_effects, scale_of


def test_rates_are_logits():
    result = made_rates()
    effects, variances = row_effects(result)
    assert effects[0] == pytest.approx(math.log(12 / 48))
    assert variances[0] == pytest.approx(1 / 12 + 1 / 48)
    assert natural(result, float(effects[0])) == pytest.approx(0.2)
    assert scale_of(result) == "logit"


def test_effects_are_log_hazard_ratios_with_the_errors_that_were_pooled():
    result = ratios(*RATIOS)
    effects, variances = row_effects(result)
    assert effects == pytest.approx([math.log(hr) for hr, _, _ in RATIOS])
    weights = 1 / (variances + result.effect.heterogeneity.tau2)
    assert weights / np.sum(weights) == pytest.approx(result.effect.weights)
    assert natural(result, 0.0) == 1
    assert scale_of(result) == "log hazard ratio"


def test_combined_p_values_have_no_size():
    with pytest.raises(EvidenceError, match=r"'fisher' combines p-values.*--method REML"):
        row_effects(ratios(*RATIOS, method="fisher"))
