from __future__ import annotations

from marrowtrace.plotting.flow_diagram import flow_diagram


def arm(name, **changes):
    step = {"visit": "diagnosis", "day": 0.0, "relapsed": 1, "died": 0, "left": 2, "there": 97,
            "sampled": 90}  # fmt: skip
    end = {"relapsed": 30, "died": 10, "left": 60}
    return {"arm": name, "patients": 100, "visits": [step], "end": end, "rules": []} | changes


FLOW = {
    "screened": [
        {"arm": "a", "reason": "enrolled", "patients": 100},
        {"arm": "a", "reason": "metastatic at diagnosis", "patients": 1234},
    ],
    "arms": [arm("a")],
}


def texts(ax):
    return "\n".join(text.get_text() for text in ax.texts)


def test_every_count_is_in_a_box():
    found = texts(flow_diagram(FLOW, labels={"a": "Standard"}))
    for part in (
        "1,334 simulated", "metastatic at diagnosis: 1,234", "Standard: 100 patients",
        "90 sampled of 97 under observation", "1 relapsed, 2 left observation",
        "30 relapsed, 10 died, 60 left observation",
    ):  # fmt: skip
        assert part in found


def test_rules_are_said_and_only_chosen_visits_are_drawn():
    rule = {"visit": "diagnosis", "regimen": "docetaxel", "positive": 7}
    flow = {"screened": [], "arms": [arm("a", rules=[rule])]}
    found = texts(flow_diagram(flow, visits=["another"]))
    assert "docetaxel for 7 positive at diagnosis" in found
    assert "sampled of" not in found


def test_four_arms_stand_two_a_row_within_the_width_of_a_page():
    ax = flow_diagram({"screened": [], "arms": [arm(n) for n in "abcd"]})
    assert ax.figure.get_figwidth() < 9
    assert {round(text.get_position()[0], 1) for text in ax.texts if text.get_text()} == {2.2, 6.6}


def test_texts_stay_within_their_boxes():
    long = arm("a", end={"relapsed": 123456, "died": 234567, "left": 345678})
    ax = flow_diagram({"screened": [], "arms": [long]}, labels={"a": "word " * 30})
    ax.figure.canvas.draw()
    renderer = ax.figure.canvas.get_renderer()
    boxes = [patch.get_window_extent(renderer) for patch in ax.patches]
    words = [text for text in ax.texts if text.get_text()]
    for text, box in zip(words, boxes, strict=False):
        extent = text.get_window_extent(renderer)
        assert extent.x0 >= box.x0 - 1
        assert extent.x1 <= box.x1 + 1


def test_samples_that_go_on_after_relapse_are_said_to():
    step = arm("a")["visits"][0] | {"sampled": 120}
    found = texts(flow_diagram({"screened": [], "arms": [arm("a", visits=[step])]}))
    assert "120 sampled (relapsed ones included)" in found
