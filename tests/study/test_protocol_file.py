import pytest

from marrowtrace.errors import InputFileError, MissingFileError, SimulationError
from marrowtrace.study.protocol_file import from_tables, read_protocol
from tests.study.small_study import small, tables

GOOD_STATISTIC = {
    "kind": "positivity",
    "marker": {"visit": "diagnosis", "assay": "a45-b-b3"},
}


def problems(given):
    with pytest.raises(SimulationError) as caught:
        from_tables(given, where="mine.toml")
    heading, *lines = str(caught.value).split("\n")
    assert heading == f"{len(lines)} problem{'' if len(lines) == 1 else 's'} in mine.toml:"
    return [line.strip() for line in lines]


def test_everything_is_read_in_canonical_units():
    found = small(eligibility={"er": "positive", "age_from": "50 years", "diameter_to": "5 cm"})
    assert found.horizon == 12 * 365.25
    assert found.visit("8 months").day == pytest.approx(243.5)
    assert found.follow_up.drop_out == pytest.approx(0.01 / 365.25)
    assert found.eligibility.age_from == pytest.approx(50)
    assert found.eligibility.diameter_to == 50.0
    assert found.arm("guided").rules[0].delay == 14.0
    assert [use.name for use in found.assays] == ["cellsearch", "a45-b-b3", "ck19-rt-pcr"]
    assert found.published[0].calibrated
    assert found.published[0].citation == "braun2005"
    assert found.published[0].value == 0.29
    assert (found.index_event, found.metastatic) == ("diagnosis", False)


def test_every_problem_at_once():
    bad = tables(
        title=5,
        cancer="early-brest",
        patients=0,
        horizon="12",
        alocation="paired",
        visits=[{"name": "diagnosis", "day": "0 mL", "assays": ["cellserch"]}, {"name": "late"}],
        endpoints=["deth"],
    )
    bad["arms"][0]["regimens"] = ["chemotherapy-adjuvent"]
    bad["arms"][1]["rules"][0]["visit"] = "9 months"
    found = problems(bad)
    for message in (
        "alocation: is not a field here; did you mean 'allocation'?",
        "title: is 5; give a text in quotes",
        "cancer: is 'early-brest'; allowed: ",
        "patients: is 0; give a whole number from 1 to 1,000,000,000",
        "horizon: is '12' without a unit",
        "visits[0].day: is '0 mL', which measures volume, but this is time",
        "visits[1].day: is missing; give the day of the visit, e.g. '8 months'",
        "visits[1].assays: is missing; give the assays of the visit's samples",
        "assays.cellserch: assay 'cellserch' is not in the catalogue; did you mean 'cellsearch'?",
        "endpoints[0].name: is 'deth'; allowed: ",
        "arms[1].rules[0].visit: is '9 months'; allowed: diagnosis, late",
    ):
        assert any(line.startswith(message) for line in found), (message, found)


ARM = {"name": "one", "regimens": ["endocrine-5y"]}
RULE = {"visit": "8 months", "assay": "a45-b-b3", "regimen": "zoledronate"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": []}, "arms: is missing; give at least one table [[arms]]"),
        ({"arms": [ARM, ARM]}, "arms: has 'one' more than once; names must differ"),
        ({"arms": [{**ARM, "share": 0}]}, "arms[0].share: is 0; give a number above 0"),
        ({"arms": [{**ARM, "cancer": "lungs"}]}, "arms[0].cancer: is 'lungs'; allowed: "),
        (
            {"arms": [{**ARM, "cancer": "metastatic-breast"}]},
            "arms[0].cancer: is 'metastatic-breast', where follow-up begins with metastatic, but "
            "in 'early-breast' with diagnosis",
        ),
        (
            {"arms": [{"name": "one", "regimens": ["endocrin-5y"]}]},
            "arms[0].regimens[0]: is 'endocrin-5y', which is not a regimen of the catalogue; "
            "did you mean 'endocrine-5y'?",
        ),
        (
            {"arms": [{"name": "one", "regimens": ["docetaxel-secondary"]}]},
            "arms[0].regimens[0]: 'docetaxel-secondary' is started by the result of an assay; "
            "give it as the regimen of a rule of the arm",
        ),
        (
            {"arms": [{"name": "one", "regimens": [{"regimen": "x", "agent": "beta_bloker"}]}]},
            "arms[0].regimens[0].agent: is 'beta_bloker'; allowed: ",
        ),
        (
            {
                "arms": [
                    {"name": "one", "regimens": [{"regimen": "clodronate", "effects": {"x": 1}}]}
                ]
            },
            "arms[0].regimens[0].effects.x: no effect of this name",
        ),
        (
            {"arms": [{"name": "one", "regimens": [{"regimen": "clodronate", "start": 5}]}]},
            "arms[0].regimens[0].start: is 5 without a unit",
        ),
        (
            {"arms": [{"name": "one", "regimens": [{"regimen": "clodronate", "effects": 1}]}]},
            "arms[0].regimens[0].effects: is 1; give a table of effects",
        ),
        (
            {"arms": [{**ARM, "rules": [{"visit": "8 months", "assay": "a45-b-b3"}]}]},
            "arms[0].rules[0].regimen: is missing; give the regimen that a positive result starts",
        ),
        (
            {"arms": [{**ARM, "rules": [{**RULE, "assay": "ema"}]}]},
            "arms[0].rules[0].assay: is 'ema', which the visit '8 months' does not have; "
            "allowed: ck19-rt-pcr, a45-b-b3",
        ),
        (
            {"arms": [{**ARM, "rules": [{**RULE, "visit": "at relapse", "assay": "cellsearch"}]}]},
            "arms[0].rules[0].visit: is a visit at relapse; a rule needs a planned day",
        ),
        (
            {
                "arms": [
                    {
                        **ARM,
                        "rules": [{**RULE, "regimen": {"regimen": "zoledronate", "start": "1 d"}}],
                    }
                ]
            },
            "arms[0].rules[0].regimen.start: is not used: the visit and the delay give it",
        ),
        (
            {"parameters": {"ctc_half_live": 1}},
            "parameters.ctc_half_live: no parameter of this name; did you mean 'ctc_half_life'?",
        ),
        ({"parameters": {"ctc_half_life": "9 h"}}, "parameters.ctc_half_life: ctc_half_life = 9 h"),
        ({"parameters": 5}, "parameters: is 5; give a table of symbols and values"),
        (
            {"parameters": {"ctc_half_life": True}},
            "parameters.ctc_half_life: is True; give a number",
        ),
        (
            {"arms": [{**ARM, "parameters": {"ctc_half_life": "9 h"}}]},
            "arms[0].parameters.ctc_half_life: ctc_half_life = 9 h is outside",
        ),
        ({"horizon": "1 year"}, "visits[2].day: is day 730.5, after the horizon (day 365.25)"),
        ({"horizon": "0 d"}, "horizon: is 0 days; give a time above 0"),
        (
            {"follow_up": {"accrual": "3 y", "closes": "2 y"}},
            "follow_up.closes: is day 730.5, but patients enter until day 1095.75; give a later",
        ),
        (
            {"eligibility": {"age_from": "60 y", "age_below": "50 y"}},
            "eligibility.age_below: is 50, not above age_from = 60",
        ),
        (
            {"assays": {"ema": {"preset": "ema"}}},
            "assays.ema: is used by no visit; name it in one or take it out",
        ),
        (
            {"assays": {"cellsearch": {"laboratories": 3}}},
            "assays.cellsearch.laboratories: has no effect without recovery_log_sd",
        ),
        (
            {"assays": {"cellsearch": {"preset": "cellsearch", "definition": "x = 1"}}},
            "assays.cellsearch.definition: is given beside 'preset'; give one of them",
        ),
        (
            {"assays": {"cellsearch": {"file": "nowhere.toml"}}},
            "assays.cellsearch.file: there is no file 'nowhere.toml'",
        ),
        (
            {"surgery": "never", "visits": [{"name": "v", "day": "1 d", "clock": "surgery"}]},
            "visits[0].clock: is 'surgery', but arm 'watched' has no day of surgery",
        ),
        (
            {"visits": [{"name": "v", "day": "1 d", "clock": "relapse"}]},
            "visits[0].day: has no meaning for a visit at relapse; leave it out",
        ),
        ({"endpoints": [{"name": "death", "clock": "sampling", "visit": "9"}]},
         "endpoints[0].visit: is '9'; allowed: "),
        ({"endpoints": [{"name": "death", "visit": "diagnosis"}]},
         "endpoints[0].visit: is only for the clock 'sampling'"),
        ({"analyses": {"wanted": ["detecting"]}}, "analyses.wanted: is 'detecting'; allowed: "),
        ({"analyses": {"endpoints": ["relapse"]}}, "analyses.endpoints: is 'relapse'; allowed: "),
        (
            {"analyses": {"pair": [{"visit": "diagnosis", "assay": "cellsearch"}]}},
            "analyses.pair: has 1 markers; give two, or leave out",
        ),
        (
            {
                "analyses": {
                    "markers": [
                        {"visit": "diagnosis", "assay": "cellsearch", "negative_below": 2}
                    ]
                }
            },
            "analyses.markers[0].negative_below: is 2, above the threshold 1",
        ),
        ({"seed": -1}, "seed: is -1; give a whole number from 0 to 9,223,372,036,854,775,807"),
        (
            {"cancer": "metastatic-breast"},
            "endpoints[0].name: is 'distant_relapse', but follow-up begins with metastases; "
            "allowed: death, cancer_death",
        ),
        (
            {"cancer": "metastatic-breast"},
            "visits[3].clock: is 'relapse', but follow-up begins with metastases",
        ),
    ],
)  # fmt: skip
def test_each_problem_has_its_place_and_its_mending(changes, message):
    found = problems(tables(**changes))
    assert any(line.startswith(message) for line in found), (message, found)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"target": "dtc"}, "published[0].target: is 'dtc', which is not a target of"),
        (
            {"target": "x", "set": "lugn"},
            "published[0].set: model 'lugn' is not in the catalogue; did you mean 'lung'",
        ),
        ({"id": "a", "label": "b"}, "published[0].value: is missing; give the figure, or a target"),
        (
            {"id": "a", "label": "b", "value": 2, "ci_low": 3, "ci_high": 4},
            "published[0].value: is 2, outside its own interval",
        ),
        (
            {"id": "a", "label": "b", "value": 2, "ci_low": 1},
            "published[0].ci_low: is given without ci_high, or the reverse",
        ),
        (
            {"id": "a", "label": "b", "value": 0.5, "positive": 5},
            "published[0].positive: is 5, more than the patients examined",
        ),
        (
            {"id": "a", "label": "b", "value": 0.5, "citation": "nobody1900"},
            "published[0].citation: ",
        ),
        ({"statistic": {"kind": "positivty"}}, "published[0].statistic.kind: is 'positivty'"),
        (
            {"statistic": {"kind": "positivity"}},
            "published[0].statistic.marker: is missing; 'positivity' needs it",
        ),
        (
            {"statistic": {"kind": "hazard_ratio", "endpoint": "death"}},
            "published[0].statistic: compares either by a marker or two arms; give one of the two",
        ),
        (
            {"statistic": {"kind": "hazard_ratio", "endpoint": "death", "arms": ["guided"]}},
            "published[0].statistic.arms: has 1 arms; give two",
        ),
        (
            {"statistic": {"kind": "rate", "endpoint": "death", "from_day": "2 y", "day": "1 y"}},
            "published[0].statistic.day: is day 365.25; give one after day 730.5, up to the "
            "horizon (day 4383)",
        ),
        (
            {"statistic": {**GOOD_STATISTIC, "subgroup": {"arms": ["gided"]}}},
            "published[0].statistic.subgroup.arms: is 'gided'; allowed: watched, guided; did you",
        ),
        (
            {"statistic": {**GOOD_STATISTIC, "subgroup": {"marker": {"visit": "x"}}}},
            "published[0].statistic.subgroup.marker.visit: is 'x'; allowed: ",
        ),
    ],
)
def test_published_figures_are_checked(entry, message):
    given = {"target": "dtc_at_diagnosis", "statistic": GOOD_STATISTIC} | entry
    if "id" in entry:
        del given["target"]
    found = problems(tables(published=[given]))
    assert any(line.startswith(message) for line in found), (message, found)


def test_an_own_assay_comes_with_the_protocol(tmp_path):
    (tmp_path / "mine.toml").write_text('base = "cellsearch"\nname = "mine"\n', encoding="utf-8")
    given = tables(assays={"cellsearch": {"file": "mine.toml"}})
    found = from_tables(given, where="mine.toml", folder=tmp_path)
    assert 'base = "cellsearch"' in found.assay_use("cellsearch").definition


def test_files_that_are_none(tmp_path):
    with pytest.raises(MissingFileError, match="there is no file"):
        read_protocol(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("name = ", encoding="utf-8")
    with pytest.raises(InputFileError, match=r"bad\.toml is not a TOML file"):
        read_protocol(tmp_path / "bad.toml")
