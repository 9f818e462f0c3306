import pytest
import typer
from typer.testing import CliRunner

from marrowtrace.cli.replay import replay
from marrowtrace.cli.simulate import simulate
from marrowtrace.errors import InputFileError, ParameterError, SimulationError
from marrowtrace.expression.fractions import Fraction
from marrowtrace.expression.simulator_input import simulator_toml
from marrowtrace.simulation import History

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(simulate)
app.command()(replay)
RUN = ["simulate", "early-breast", "--patients", "40", "--seed", "1"]


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def test_simulate_then_replay(tmp_path):
    result = run(*RUN, "-o", tmp_path / "h", "--workers", 1)
    assert result.exit_code == 0
    assert "40 patients simulated" in result.stderr
    assert "Please cite:" in result.stderr
    assert len(History.load(tmp_path / "h")) == 40
    told = run("replay", tmp_path / "h", 17)
    assert told.exit_code == 0
    assert "surgery" in told.stdout
    assert (tmp_path / "h" / "patient-17.png").stat().st_size > 10_000
    drawn = run("replay", tmp_path / "h", 17, "--figure", tmp_path / "life.svg")
    assert drawn.exit_code == 0
    assert (tmp_path / "life.svg").read_text().startswith("<?xml")


def test_a_second_run_needs_resume(tmp_path):
    run(*RUN, "-o", tmp_path)
    with pytest.raises(SimulationError, match="holds a history already"):
        run(*RUN, "-o", tmp_path)
    again = run(*RUN, "-o", tmp_path, "--resume")
    assert "0 patients simulated" in again.stderr


def test_dry_run_prints_parameters_and_simulates_nothing(tmp_path):
    result = run(*RUN, "-o", tmp_path / "h", "--dry-run")
    assert result.exit_code == 0
    assert "ctc_half_life" in result.stdout
    assert "endocrine: day 150" in result.stderr
    assert not (tmp_path / "h").exists()


def test_regimens_and_values(tmp_path):
    run(*RUN, "-o", tmp_path / "a", "--regimen", "zoledronate", "--set", "ctc_half_life=1 h")
    told = History.load(tmp_path / "a").scenario
    assert [therapy.agent for therapy in told.therapies] == ["zoledronate"]
    assert told.parameters["ctc_half_life"].value == 1.0
    run(*RUN, "-o", tmp_path / "b", "--untreated")
    assert History.load(tmp_path / "b").scenario.therapies == ()


def test_bad_settings_are_named(tmp_path):
    with pytest.raises(ParameterError, match="is not a setting; write it as symbol=value"):
        run(*RUN, "-o", tmp_path, "--set", "ctc_half_life")


def test_measured_fractions_go_in(tmp_path):
    import inspect

    fields = inspect.signature(Fraction).parameters
    plain = dict.fromkeys(fields, 0) | {"mean": 0.11, "low": 0.05, "high": 0.2, "method": "m"}
    found = {("mhc1", "low"): Fraction(**plain), ("er", "positive"): Fraction(**plain)}
    path = tmp_path / "fractions.toml"
    path.write_text(simulator_toml(found, source="made", what="CTCs"))
    run(*RUN, "-o", tmp_path / "h", "--values", path, "--set", "ctc_half_life=1 h")
    told = History.load(tmp_path / "h").scenario.parameters
    assert (told["mhc_low_fraction"].value, told["ctc_half_life"].value) == (0.11, 1.0)


def test_bad_files_of_values_are_named(tmp_path):
    path = tmp_path / "values.toml"
    path.write_text("mhc_low_fraction = 0.1\n[ctc_half_life]\nvaleu = 3\n")
    with pytest.raises(ParameterError, match=r"write \[mhc_low_fraction\](.|\n)*ctc_half_life"):
        run(*RUN, "-o", tmp_path / "h", "--values", path)
    path.write_text("[")
    with pytest.raises(InputFileError, match="cannot be read as TOML"):
        run(*RUN, "-o", tmp_path / "h", "--values", path)
