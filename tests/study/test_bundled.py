import pytest

from marrowtrace.catalog import target_names, targets
from marrowtrace.errors import CatalogError, MissingFileError
from marrowtrace.study.bundled import heading, names, study, text
from marrowtrace.study.protocol_record import from_record, to_record

WANTED = {
    "beta-blocker",
    "bisphosphonate",
    "colorectal",
    "dtc-guided-docetaxel",
    "e-selectin-chemo",
    "early-breast",
    "endocrine",
    "localised-prostate",
    "metastatic-breast",
    "neoadjuvant-breast",
    "reservoir",
}


def test_every_study_that_is_promised_is_there():
    assert set(names()) == WANTED


@pytest.mark.parametrize("name", sorted(WANTED))
def test_a_bundled_study_is_in_order_and_survives_its_record(name):
    found = study(name)
    assert found.name == name
    assert found.question.endswith("?")
    assert heading(name)["patients"] == found.patients
    assert text(name).startswith("#")
    assert from_record(to_record(found)) == found


@pytest.mark.parametrize("name", sorted(WANTED & set(target_names())))
def test_published_figures_agree_with_the_catalogue(name):
    """What a study says of a target is what the catalogue has, its use in calibration included."""
    known = {target.name: target for target in targets(name)}
    compared = [each for each in study(name).published if each.id in known]
    assert compared
    for each in compared:
        target = known[each.id]
        assert (each.value, each.calibrated) == (target.value, target.used)
        assert (each.ci_low, each.ci_high) == (target.ci_low, target.ci_high)
        assert each.where == target.where


def test_every_target_of_early_breast_is_compared_with_by_some_study():
    compared = {each.id for name in WANTED for each in study(name).published}
    assert {target.name for target in targets("early-breast")} <= compared


def test_a_study_that_is_neither_bundled_nor_a_file():
    with pytest.raises(CatalogError, match=r"study 'early-brest' is neither .* 'early-breast'"):
        study("early-brest")
    with pytest.raises(MissingFileError, match="there is no file"):
        study("early-breast.toml")
