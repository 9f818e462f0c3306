import tomllib

import pytest

from marrowtrace.study.bundled import names, study
from marrowtrace.study.protocol_file import from_tables
from marrowtrace.study.protocol_text import to_toml
from tests.study.small_study import small


@pytest.mark.parametrize("name", names())
def test_a_bundled_study_reads_back_the_same(name):
    protocol = study(name)
    assert from_tables(tomllib.loads(to_toml(protocol)), where="again.toml") == protocol


def test_everything_that_a_study_may_say_reads_back_the_same():
    protocol = small(
        parameters={"ctc_half_life": "1.5 h", "escape_multiplier": {"triple_negative": 1.1}},
        surgery="never",
        allocation="paired",
        dormancy="erlang",
        sampled_after_relapse=True,
        eligibility={"er": "positive", "age_from": "47 y", "diameter_to": "5 cm"},
        follow_up={"accrual": "1.7 years", "closes": "never", "drop_out": "1.3 %/year"},
        assays={
            "cellsearch": {"amount": "23 mL", "laboratories": 9, "recovery_log_sd": 0.3},
            "a45-b-b3": {"amount": "4e6 cells", "sides": 2},
            "ck19-rt-pcr": {"definition": 'base = "cellsearch"\nname = "odd \\"one\\""\n'},
        },
        analyses={
            "wanted": ["detection"],
            "lives": 0,
            "markers": [{"visit": "diagnosis", "assay": "cellsearch", "negative_below": 0.5}],
        },
        notes='In "quotes", with a back\\slash and umlauts: \u00e4.',
    )
    assert from_tables(tomllib.loads(to_toml(protocol)), where="again.toml") == protocol
