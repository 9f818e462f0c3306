import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from marrowtrace.cli import run as run_command
from marrowtrace.errors import CatalogError, OutputError, SimulationError
from marrowtrace.study.manifest import Manifest
from marrowtrace.study.protocol_file import read_protocol
from marrowtrace.study.run import run as run_study
from tests.study.small_study import TABLES, small

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(run_command.run)


@app.callback()
def main():
    """Keep 'run' a sub-command, as in the program."""


def invoke(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


@pytest.fixture
def own(tmp_path):
    """The small study as a file."""
    import tomllib

    lines = [f"{key} = {json.dumps(value)}" for key, value in TABLES.items()
             if isinstance(value, str | int)]  # fmt: skip
    file = tmp_path / "own.toml"
    text = "\n".join(lines) + "\n" + _tables()
    file.write_text(text, encoding="utf-8")
    assert tomllib.loads(text)["arms"] == TABLES["arms"]
    return file


def _inline(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_inline(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(v) for v in value) + "]"
    return json.dumps(value)


def _tables():
    names = ("follow_up", "arms", "visits", "endpoints", "published")
    few = 'analyses = { wanted = ["detection", "published"], lives = 0 }\n'
    return few + "".join(f"{name} = {_inline(TABLES[name])}\n" for name in names)


def test_a_run_writes_cohort_results_and_report(own, tmp_path):
    out = tmp_path / "out"
    found = invoke("run", own, "--patients", 200, "--seed", 5, "--workers", 2, "-o", out, "--json")
    assert found.exit_code == 0, found.stderr
    told = json.loads(found.stdout)
    assert (told["patients"], told["seed"], told["simulated_now"]) == (200, 5, 200)
    assert "Please cite:" in found.stderr
    assert found.stderr.rstrip().endswith(f"Report: {out / 'report.html'}")
    assert (out / "cohort" / "provenance.json").is_file()
    assert "<html" in (out / "report.html").read_text(encoding="utf-8")
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    wanted = {"id", "label", "published", "ci_low", "ci_high", "simulated", "simulated_low",
              "simulated_high", "inside", "calibrated"}  # fmt: skip
    assert results["published"]
    assert all(wanted <= set(row) for row in results["published"])
    assert "simulation_seconds" in results["timing"]


def test_identical_runs_differ_in_provenance_and_timing_only(own, tmp_path):
    results = []
    for name, workers in (("a", 1), ("b", 2)):
        invoke("run", own, "-n", 120, "--workers", workers, "--chunk", 50 * workers,
               "-o", tmp_path / name)  # fmt: skip
        found = json.loads((tmp_path / name / "results.json").read_text(encoding="utf-8"))
        results.append({k: v for k, v in found.items() if k not in {"provenance", "timing"}})
    assert results[0] == results[1]


def test_a_dry_run_prints_parameters_with_sources_and_the_plan(tmp_path):
    found = invoke("run", "early-breast", "--dry-run")
    assert found.exit_code == 0
    for text in ("ctc_half_life", "meng2004", "chemotherapy-adjuvant", "cellsearch-23ml"):
        assert text in found.stdout
    assert "10,000 patients in 1 arm(s), seed 2018" in found.stderr
    assert "Estimated time: about" in found.stderr
    plan = json.loads(invoke("run", "reservoir", "--dry-run", "--json").stdout)
    assert plan["patients_simulated"] == 20_000
    assert {row["arm"] for row in plan["parameters"]} >= {"", "reservoir"}
    assert {row["therapy"] for row in plan["arms"]} >= {"surgery", "marrow purge"}


def test_what_is_wrong_is_said(own, tmp_path):
    with pytest.raises(CatalogError, match="study 'early-brest' is neither bundled nor a file"):
        invoke("run", "early-brest", "-o", tmp_path / "out")
    assert invoke("run", own).exit_code == 2
    with pytest.raises(OutputError, match=r"as 'svgg'; did you mean 'svg'\?; allowed: svg, png"):
        invoke("run", own, "-o", tmp_path / "out", "--figures", "pdf,svgg")
    with pytest.raises(SimulationError, match="patients: is 0; give 1 to 1,000,000,000"):
        invoke("run", own, "-o", tmp_path / "out", "--patients", 0)
    assert not (tmp_path / "out").exists()
    run_study(small(), tmp_path / "out", chunk=300)
    with pytest.raises(SimulationError, match="holds a run of 'small' already"):
        invoke("run", own, "-o", tmp_path / "out")


def test_a_full_disk_says_how_to_go_on(own, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OutputError("cannot write 'x': the disk is full")

    monkeypatch.setattr(run_command, "_simulate", full)
    with pytest.raises(OutputError, match=r"What is done stays; go on with: marrowtrace run .*"):
        invoke("run", own, "-o", tmp_path / "out")


_SCRIPT = """
import sys, time
sys.path.insert(0, sys.argv[1])
import typer
from marrowtrace.cli import run as run_command
from marrowtrace.study import run as run_module
simulate_chunk = run_module.simulate_chunk
def slowly(*arguments, **options):
    found = simulate_chunk(*arguments, **options)
    time.sleep(0.4)
    return found
run_module.simulate_chunk = slowly
app = typer.Typer()
app.command()(run_command.run)
app(sys.argv[2:])
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "term"]
)
def test_a_stopped_run_says_how_to_go_on(own, tmp_path, number, status):
    out, root = tmp_path / "out", str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, root, str(own), "-n", "300", "--chunk", "30", "-o", out],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    record = out / "run.json"
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if record.exists() and len(json.loads(record.read_text())["chunks"]) >= 1:
            break
        time.sleep(0.05)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == status
    assert f"go on with: marrowtrace run {own} --patients 300 --resume -o {out}" in told
    assert 1 <= len(Manifest.read(out).chunks) < 10
    ran = run_study(read_protocol(own), out, resume=True)
    assert 0 < ran.simulated_now < 300
    run_study(read_protocol(own), tmp_path / "whole", chunk=300)
    for name in ("samples", "follow_up"):
        files = [folder / "cohort" / f"{name}.parquet" for folder in (out, tmp_path / "whole")]
        assert files[0].read_bytes() == files[1].read_bytes()
