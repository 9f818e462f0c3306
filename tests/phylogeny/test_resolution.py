import numpy as np
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.phylogeny.resolution import Design, plans, prospect_table, prospects, to_json

CELLS = Design(
    trunk=12, units=6, primary_units=20, tissue=False, false_positive=0.01, false_negative=0.2
)


def test_verdicts_given_are_right_as_often_as_they_say():
    found = prospects(np.random.default_rng(1), CELLS, replicates=400)
    rights = [each.right for each in found if each.linear + each.parallel > 0]
    assert min(rights) > 0.88


def test_more_mutations_tell_more():
    found = {each.plan: each for each in prospects(np.random.default_rng(2), CELLS)}
    now, more = found["as it is"], found["4 x as many mutations read"]
    assert more.linear + more.parallel > now.linear + now.parallel + 0.1
    assert more.design.trunk == 48


def test_one_piece_of_the_primary_never_tells_parallel():
    one = Design(
        trunk=40, units=1, primary_units=1, tissue=True, false_positive=0.01, false_negative=0.05
    )
    found = {each.plan: each for each in prospects(np.random.default_rng(3), one, replicates=100)}
    assert found["as it is"].parallel == 0.0
    assert found["4 samples of the primary"].parallel > 0.5
    table = prospect_table(tuple(found.values()))
    assert table.columns == ["plan", "trunk", "linear", "parallel", "right"]
    assert to_json((found["as it is"],))[0]["right"] is None


def test_same_seed_same_prospects():
    one, other = (prospects(np.random.default_rng(4), CELLS, replicates=20) for _ in range(2))
    assert one == other
    assert "4 x as many cells of the lineage" in plans(CELLS)


def test_designs_out_of_range():
    with pytest.raises(CohortError, match="4 problems in the design") as caught:
        Design(
            trunk=-1, units=0, primary_units=1, tissue=False, false_positive=0.0,
            false_negative=0.2, missing=1.0,
        )  # fmt: skip
    for text in ("trunk: -1", "units: 0", "false_positive: 0.0", "missing: 1.0"):
        assert text in str(caught.value)
