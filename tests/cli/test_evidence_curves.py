"""``marrowtrace evidence reconstruct | effect``: numbers, files, messages."""

from __future__ import annotations

import math

import pytest

from marrowtrace.errors import EvidenceError, InputFileError
from tests.cli.evidence_command import payload, run


@pytest.fixture
def curve(tmp_path):
    (tmp_path / "curve.csv").write_text("time,survival\n0,1\n1,0.9\n2,0.8\n3,0.7\n4,0.7\n")
    (tmp_path / "risk.csv").write_text("time,at_risk\n0,10\n2,9\n4,7\n")
    return tmp_path / "curve.csv", "--at-risk", tmp_path / "risk.csv"


def test_reconstruct(curve, tmp_path):
    out, err = run("reconstruct", *curve, "--events", 3, "--arm", "A", "-o", tmp_path / "rows.csv")
    assert out == ""
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    assert lines[:2] == ["time,event,arm", "1.0,1,A (reconstructed)"]
    assert len(lines) == 11
    assert "Reconstructed, not the trial's own data: 10 patients, 3 events" in err
    assert "Guyot" in err.splitlines()[-1]


def test_reconstruct_to_standard_output(curve, tmp_path):
    (tmp_path / "risk.csv").write_text("time,at_risk\n0,10\n")
    out, err = run("reconstruct", *curve)
    assert out.splitlines()[1] == "1.0,1,reconstructed"
    assert "a hazard ratio from it is not reliable" in err


def test_reconstruct_from_a_bad_file(curve, tmp_path):
    (tmp_path / "risk.csv").write_text("time,n\n0,10\n")
    with pytest.raises(InputFileError, match="at_risk: is not among the columns"):
        run("reconstruct", *curve)
    assert not (tmp_path / "rows.csv").exists()


def test_effect_from_an_interval():
    found = payload("effect", "--hr", 2, "--ci-low", 1, "--ci-high", 4)
    assert found["schema"] == "marrowtrace.evidence.effect/1"
    assert found["log_hr"] == pytest.approx(math.log(2))
    assert found["se"] == pytest.approx(math.log(4) / (2 * 1.959963984540054))
    assert found["warnings"] == []
    out, err = run("effect", "--hr", 3, "--ci-low", 1, "--ci-high", 4)
    assert "se = (log upper - log lower) / (2 z)" in out
    assert "not symmetric on the log scale" in err
    assert "Tierney" in err
    rough = payload("effect", "--hr", 3, "--ci-low", 1, "--ci-high", 4, "--decimals", 0)
    assert rough["warnings"] == []


def test_effect_from_a_p_value():
    found = payload("effect", "--p", 0.05, "--events", 100, "--better")
    assert found["log_hr"] == pytest.approx(-1.959963984540054 / 5)
    assert found["se"] == pytest.approx(0.2)
    uneven = payload("effect", "--p", 0.05, "--events", 100, "--worse", "--ratio", 3)
    assert uneven["se"] == pytest.approx(1 / math.sqrt(100 * 3 / 16))


def test_effect_from_the_log_rank_test():
    found = payload("effect", "--o-e", "-5", "--v", 10)
    assert found["log_hr"] == pytest.approx(-0.5)
    assert found["se"] == pytest.approx(1 / math.sqrt(10))
    assert "Parmar" in run("effect", "--o-e", "-5", "--v", 10)[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "nothing is given; give one of: --hr"),
        (("--hr", "2", "--p", "0.1"), "--hr, --ci-low and --ci-high as well as --p"),
        (("--hr", "2"), "part of --hr, --ci-low and --ci-high is missing"),
        (("--p", "0.1", "--events", "9"), "a p-value does not tell the direction"),
        (("--hr", "2", "--ci-low", "3", "--ci-high", "4"), "HR 2 is not inside its interval"),
        (("--o-e", "2", "--v", "0"), "both must be finite and V above 0"),
    ],
)
def test_messages(arguments, words):
    with pytest.raises(EvidenceError, match=words):
        run("effect", *arguments)
