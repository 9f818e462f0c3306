from dataclasses import replace

import numpy as np
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.expression.analysis import analyse, design_of
from marrowtrace.expression.programs import program
from marrowtrace.expression.samples import describe_samples
from tests.expression.made_expression import made

EPITHELIAL = program("epithelial").up


def two_studies():
    a = made(20, seed=1, name="a", raised=EPITHELIAL, rows=slice(10, 20), by=5.0)
    b = made(16, seed=2, name="b", raised=EPITHELIAL, rows=slice(8, 16), by=5.0)
    samples = describe_samples([a, b])
    types = ["DTC"] * 10 + ["CTC"] * 10 + ["DTC"] * 8 + ["CTC"] * 8
    table = samples.table.with_columns(type=np.array(types, dtype=object).astype(str))
    return [a, b], replace(samples, table=table)


def test_within_study_first_then_pooled():
    found = analyse(*two_studies())
    assert [c.study for c in found.comparisons] == ["a", "b"]
    pooled = found.pooled["CTC against DTC"]
    assert set(pooled["gene"][:8]) <= set(EPITHELIAL)
    assert not found.refused
    effects = found.program_effects
    row = effects.filter((effects["program"] == "epithelial") & (effects["matrix"] == "a"))
    assert row["auc_matched"][0] > 0.95


def test_confounded_types_are_refused_and_nothing_is_pooled():
    matrices = [made(12, seed=1, name="a"), made(12, seed=2, name="b")]
    found = analyse(matrices, describe_samples(matrices, types=["CTC", "DTC"]))
    assert found.comparisons == ()
    assert "type and study are one and the same" in found.refused[0].reason
    assert found.to_json()["refused"][0]["first"] == "CTC"


def test_types_in_two_files_of_one_study_can_be_compared():
    matrices = [made(12, seed=1, name="a"), made(12, seed=2, name="b")]
    samples = describe_samples(matrices, types=["CTC", "DTC"], studies=["s", "s"])
    found = analyse(matrices, samples)
    assert found.comparisons[0].units == (12, 12)


def test_two_scales_within_a_study_are_refused():
    matrices = [made(12, seed=1, name="a"), made(12, seed=2, name="b", log=False)]
    samples = describe_samples(matrices, types=["CTC", "DTC"], studies=["s", "s"])
    found = analyse(matrices, samples)
    assert "different scales (a: log, b: counts)" in found.refused[0].reason


def test_faulty_data_are_rejected_unless_forced():
    expression = made(40)
    values = expression.values.copy()
    values[:20] *= np.random.default_rng(2).uniform(size=(20, values.shape[1])) < 0.5
    worse = replace(expression, values=values)
    samples = describe_samples([worse])
    table = samples.table.with_columns(type=np.array(["a"] * 20 + ["b"] * 20))
    samples = replace(samples, table=table)
    with pytest.raises(CohortError, match="a equals depth"):
        analyse([worse], samples)
    found = analyse([worse], samples, force=True, differential=False)
    assert found.forced
    assert found.to_json()["forced"] is True


def test_no_types():
    found = analyse([made(12)], describe_samples([made(12)]))
    assert found.design is None
    assert "no types are known" in found.notes[-1]
    with pytest.raises(CohortError, match="give --types, one for each matrix"):
        design_of(describe_samples([made(4)]))


def test_fractions_are_by_type_and_patient():
    matrix = made(24, raised=EPITHELIAL, rows=slice(0, 12), by=6.0)
    samples = describe_samples([matrix])
    table = samples.table.with_columns(
        type=np.array(["CTC"] * 24), patient=np.array([f"p{i % 4}" for i in range(24)])
    )
    found = analyse([matrix], replace(samples, table=table))
    result = found.matrices[0].fractions["CTC"]["epithelial_mesenchymal", "epithelial"]
    assert result.patients <= 4
    assert result.method == "beta-binomial"


def test_json_holds_no_nan():
    import json

    text = json.dumps(analyse(*two_studies(), differential=False).to_json(), allow_nan=False)
    assert "marrowtrace.expression/1" in text
