"""Reads the numbers that R left in tests/reference."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[1] / "reference"
Numbers = dict[tuple[str, str], dict[str, float]]


def columns(name: str) -> dict[str, list[str]]:
    """Columns of a reference file as text."""
    with (FOLDER / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {column: [row[column] for row in rows] for column in rows[0]}


def floats(name: str, column: str) -> np.ndarray:
    """One column of a reference file as numbers."""
    return np.array([float(value) for value in columns(name)[column]])


def numbers(name: str) -> Numbers:
    """Quantities by (set, model) from a long reference file; NA is left out."""
    table = columns(name)
    found: Numbers = {}
    for place, model, quantity, value in zip(
        table["set"], table["model"], table["quantity"], table["value"], strict=True
    ):
        if value != "NA":
            found.setdefault((place, model), {})[quantity] = float(value)
    return found
