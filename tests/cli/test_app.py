from __future__ import annotations

import subprocess
import sys

import pytest

from marrowtrace.cli import app as boundary
from marrowtrace.errors import CohortError


@pytest.fixture
def command(monkeypatch, capsys):
    """Run the command line in this process; give status, stdout and stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["marrowtrace", *arguments])
        with pytest.raises(SystemExit) as left:
            boundary.run()
        output = capsys.readouterr()
        return int(left.value.code or 0), output.out, output.err

    return run


def failing(monkeypatch, error: BaseException) -> None:
    def raise_it() -> None:
        raise error

    monkeypatch.setattr(boundary, "app", raise_it)


def test_an_error_of_the_user_is_one_message_and_status_2(monkeypatch, command):
    failing(monkeypatch, CohortError("samples.site: 1 row(s) (0) hold 'marow'"))
    status, out, err = command("cohort")
    assert (status, out) == (2, "")
    assert err == "marrowtrace: samples.site: 1 row(s) (0) hold 'marow'\n"


def test_a_defect_of_ours_shows_the_traceback_and_asks_for_a_report(monkeypatch, command):
    failing(monkeypatch, ZeroDivisionError("oops"))
    status, _, err = command("cohort")
    assert status == 70
    assert "Traceback" in err
    assert "ZeroDivisionError: oops" in err
    assert "please report it" in err


def test_an_interrupt_ends_with_130(monkeypatch, command):
    failing(monkeypatch, KeyboardInterrupt())
    assert command("cohort")[0] == 130


def test_version_goes_to_stdout(command):
    status, out, _ = command("--version")
    assert status == 0
    assert out.startswith("marrowtrace ")


def test_an_unknown_command_is_status_2(command):
    assert command("cohorts")[0] == 2


def test_help_names_every_group_and_its_limits(command):
    status, out, _ = command("--help")
    assert status == 0
    assert "cohort" in out
    assert "Research use only" in out.replace("\n", " ")


def test_help_does_not_load_what_it_does_not_need():
    code = (
        "import sys, marrowtrace.cli.app;"
        "print([m for m in ('numpy', 'polars', 'numba', 'scipy', 'matplotlib', 'anndata', 'pandas')"
        " if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
