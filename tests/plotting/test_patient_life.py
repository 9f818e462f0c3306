import math

import numpy as np
import pytest

from marrowtrace.plotting.patient_life import largest_lesion, patient_life
from marrowtrace.plotting.style import new_axes
from marrowtrace.simulation import life, scenario, simulate


@pytest.fixture(scope="module")
def relapsed():
    """A patient with a distant relapse years after diagnosis."""
    arm = scenario("early-breast")
    history = simulate(arm, 200, seed=1)
    day = history.column("distant_relapse")
    return life(arm, 1, int(((day > 500) & (day < 7000)).argmax()))


def test_curves_events_and_ending_are_drawn(relapsed):
    axes = patient_life(relapsed)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert {"primary tumour", "largest lesion", "dormant in marrow"} <= set(labels)
    assert "lesion detected" in labels
    assert "distant relapse" in axes.get_title(loc="left")
    assert axes.get_yscale() == "log"
    assert axes.get_xlabel() == "Years from diagnosis"


def test_axes_may_be_given(relapsed):
    axes = new_axes()
    assert patient_life(relapsed, ax=axes) is axes


def test_endings_in_words():
    arm = scenario("early-breast")
    history = simulate(arm, 400, seed=1)
    metastatic = int((history.column("metastatic_at_diagnosis") == 1).argmax())
    other = int((history.column("death_cause") == 2).argmax())
    well = int((history.column("death_cause") == 0).argmax())
    for patient, words in (
        (metastatic, "metastatic at diagnosis"),
        (other, "dead of other causes"),
        (well, "alive at 20.0 years"),
    ):
        assert words in patient_life(life(arm, 1, patient)).get_title(loc="left")


def test_the_line_of_a_lesion_reaches_its_marks():
    """Between two steps a lesion may be eliminated or detected: the line goes through the mark."""
    arm = scenario("early-breast")
    history = simulate(arm, 400, seed=1)
    alone = np.diff(history.offsets) == 1
    lesions = history.lesions[history.offsets[:-1][alone]]
    patients = history.patient[alone]
    wanted = {
        "lesion eliminated": (patients[lesions["end_cause"] == 11], 1e4),
        "lesion detected": (patients[lesions["detected"] > 0], 1e9),
    }
    for event, (chosen, cells) in wanted.items():
        assert chosen.size
        for patient in chosen[:5]:
            told = life(arm, 1, int(patient))
            day = told.events.filter(told.events["event"] == event)["day"][0]
            days, sizes = largest_lesion(told)
            assert (np.diff(days) >= 0).all()
            at = sizes[days == day]
            assert at[0] == pytest.approx(math.log(cells), rel=1e-6)
            if event == "lesion eliminated" and at.size > 1:
                assert at[1] < at[0]
