"""Runs ``marrowtrace evidence`` within the test process."""

from __future__ import annotations

import json
from typing import Any

from typer.testing import CliRunner

from marrowtrace.cli.evidence import app


def run(*arguments: object) -> tuple[str, str]:
    """Standard output and error of a command that works."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return result.stdout, result.stderr


def payload(*arguments: object) -> dict[str, Any]:
    """What a command prints as JSON."""
    found: dict[str, Any] = json.loads(run(*arguments, "--json")[0])
    return found
