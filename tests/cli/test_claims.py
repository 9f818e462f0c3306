"""``marrowtrace claims``: forms that others rely on, messages, files."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from marrowtrace.claims.check import VERDICTS, Check, Outcome, built_in
from marrowtrace.cli.claims import app
from marrowtrace.errors import CatalogError, EvidenceError, InputFileError, MissingFileError


def run(*arguments: str) -> tuple[str, str]:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout, result.stderr


@pytest.fixture
def two_checks(monkeypatch):
    """The two claims of section 5.6 with checks that need no simulation."""
    checks = {
        "C080": Check(
            claim="C080",
            run=lambda _: Outcome(
                verdict="reproduced", figure="a figure", value=2.0, interval=(1.0, float("inf"))
            ),
            perturbation="something is changed",
            perturbed=lambda _: Outcome(
                verdict="contradicted", figure="another figure", against="our model"
            ),
        ),
        "C081": built_in("C081", "by assumption"),
    }
    monkeypatch.setattr("marrowtrace.claims.checks.CHECKS", checks)


def test_list_has_every_claim():
    found = json.loads(run("list", "--json")[0])
    assert found["schema"] == "marrowtrace.claims-list/1"
    assert [row["id"] for row in found["claims"]] == [f"C{i:03d}" for i in range(1, 120)]
    assert all(row["statement"] and row["section"] and row["rests_on"] for row in found["claims"])


def test_list_of_a_section_as_a_table():
    out, err = run("list", "--section", "5.6")
    assert "C080" in out
    assert "C001" not in out
    assert "Please cite:" in err


def test_unknown_section_and_claim():
    with pytest.raises(CatalogError, match=r"there is no section '5.9'"):
        run("list", "--section", "5.9")
    with pytest.raises(CatalogError, match=r"there is no claim 'C120'; did you mean"):
        run("show", "C120")


def test_show_prints_verdict_and_perturbation(two_checks):
    out, _ = run("show", "c080")
    assert "verdict     reproduced" in out
    assert "value       2 (1 to open)" in out
    assert "fails when  something is changed" in out
    assert "gives then  another figure" in out
    record = json.loads(run("show", "C080", "--json")[0])
    assert record["interval"] == [1.0, None]
    assert record["schema"] == "marrowtrace.claim/1"


def test_check_has_the_agreed_form(two_checks):
    found = json.loads(run("check", "--section", "5.6", "--quick", "--json")[0])
    assert set(found["counts"]) == set(VERDICTS)
    assert found["counts"]["reproduced"] == found["counts"]["built in"] == 1
    for row in found["claims"]:
        assert {"id", "verdict", "figure", "interval", "perturbation"} <= set(row)
    assert found["claims"][0]["verdict_under_perturbation"] == "contradicted"


def test_check_writes_page_and_record(two_checks, tmp_path):
    out, err = run("check", "--section", "5.6", "--quick", "-o", str(tmp_path / "out"))
    assert "a figure" in out
    assert "1 reproduced; 0 contradicted; 0 undetermined; 1 built in; 0 not modelled." in err
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["claims.html", "claims.json"]


def test_check_against_an_earlier_record(two_checks, tmp_path):
    run("check", "--section", "5.6", "--quick", "-o", str(tmp_path))
    earlier = tmp_path / "claims.json"
    run("check", "--section", "5.6", "--quick", "--against", str(earlier))
    changed = earlier.read_text(encoding="utf-8").replace('"built in",', '"undetermined",')
    earlier.write_text(changed, encoding="utf-8")
    with pytest.raises(EvidenceError, match=r"C081: was 'undetermined', is 'built in'"):
        run("check", "--section", "5.6", "--quick", "--against", str(earlier))


def test_a_record_that_is_none(tmp_path):
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}", encoding="utf-8")
    with pytest.raises(InputFileError, match=r"is not a record of `marrowtrace claims check`"):
        run("check", "--section", "5.6", "--against", str(wrong))
    with pytest.raises(MissingFileError):
        run("check", "--section", "5.6", "--against", str(tmp_path / "none.json"))


def test_a_check_that_cannot_fail_shows_nothing(monkeypatch):
    always = Outcome(verdict="reproduced", figure="always")
    monkeypatch.setattr(
        "marrowtrace.claims.checks.CHECKS",
        {
            "C080": Check(
                claim="C080",
                run=lambda _: always,
                perturbation="all is changed",
                perturbed=lambda _: always,
            )
        },
    )
    record = json.loads(run("show", "C080", "--json")[0])
    assert record["verdict"] == "undetermined"
    assert "passes also when all is changed" in record["settle"]
