"""Detection rates within subgroups."""

from __future__ import annotations

import json
import math

import pytest

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.pooling import pool_rates
from marrowtrace.evidence.proportions import pool_proportions
from marrowtrace.evidence.rate_subgroups import rate_subgroups
from marrowtrace.evidence.selection import Query
from marrowtrace.evidence.tables import bundled


@pytest.fixture(scope="module")
def result():
    query = Query(analyte="DTC", phase="pre", as_printed=True, dependence="independent")
    return pool_rates(bundled(), query)


def test_groups_are_pooled_as_if_alone(result):
    found = rate_subgroups(result, "cancer")
    assert found.groups == ("colorectal", "breast")
    alone = pool_proportions([99, 88], [414, 350])
    assert found.pooled[1].estimate == alone.estimate
    assert 0 < found.p_value < 1
    assert found.warnings == ()
    json.dumps(found.to_json(), allow_nan=False)


def test_groups_of_one_row_each_have_no_test(result):
    found = rate_subgroups(result, "marker")
    assert all(pooled.k <= 2 for pooled in found.pooled)
    assert any("cannot be told apart" in warning for warning in found.warnings)
    one = rate_subgroups(result, "phase")
    assert one.groups == ("pre",)
    assert math.isnan(one.p_value)


def test_empty_columns_are_a_group(result):
    assert rate_subgroups(result, "assay").groups == ("not printed",)


def test_unknown_subgroup(result):
    with pytest.raises(EvidenceError, match=r"subgroup 'cancr' is unknown.*did you mean 'cancer'"):
        rate_subgroups(result, "cancr")
