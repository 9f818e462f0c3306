from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from marrowtrace.cohort.schema import TABLES, json_schema
from marrowtrace.cohort.schema_page import markdown

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))


def test_the_data_model_page_is_that_of_the_declaration():
    page = (ROOT / "docs" / "data-model.md").read_text(encoding="utf-8")
    assert page == markdown(), "write marrowtrace.cohort.schema_page.markdown() to the page"


def test_the_json_schema_holds_every_column():
    schema = json.loads(json.dumps(json_schema()))
    found = {(t["name"], c["name"]) for t in schema["tables"] for c in t["columns"]}
    assert found == {(t.name, c.name) for t in TABLES.values() for c in t.columns}


def test_the_python_example_of_the_readme_runs():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    assert code is not None
    names: dict[str, object] = {}
    exec(compile(code[1], "README.md", "exec"), names)
    assert len(names["cohort"]) == 1


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_is_one_room(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 600
    assert path.stem not in {"utils", "helpers", "common", "misc"}


def test_constraints_hold_names_and_versions_only():
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line), line


def test_every_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + [d for extra in extras.values() for d in extra]
    pinned = {
        re.sub(r"[-_.]+", "-", line.split("==")[0]).lower()
        for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    names = {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~ ]", d)[0]).lower() for d in wanted}
    assert names <= pinned, names - pinned


def test_change_fragments_have_a_known_kind():
    kinds = {"added", "changed", "fixed", "removed", "output"}
    for fragment in (ROOT / "docs" / "changes").glob("*.md"):
        assert fragment.name.split(".")[-2] in kinds, fragment.name
