from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from marrowtrace import datasets
from marrowtrace.cohort import Cohort
from marrowtrace.errors import CatalogError
from marrowtrace.io.reshape import import_file

# rows by arm, and events by arm, as the reconstructed tables hold them
ARMS = {
    "azure": {"control": (1678, 500), "zoledronic_acid": (1681, 473)},
    "extenet": {"neratinib": (1420, 72), "placebo": (1420, 111)},
    "ma17r": {"letrozole": (959, 67), "placebo": (959, 98)},
    "soft": {"tamoxifen": (1018, 151), "tamoxifen_os": (1015, 131)},
}


def load(name: str) -> Cohort:
    return import_file(datasets.path(name), datasets.mapping(name)).cohort


def survival(time: np.ndarray, event: np.ndarray, day: float) -> float:
    """Kaplan-Meier estimate at ``day``, by the definition."""
    times, deaths = np.unique(time[(event == 1) & (time <= day)], return_counts=True)
    at_risk = len(time) - np.searchsorted(np.sort(time), times, side="left")
    return float(np.prod(1 - deaths / at_risk))


@pytest.mark.parametrize("name", datasets.names())
def test_every_data_set_imports_and_says_that_it_is_reconstructed(name):
    cohort = load(name)
    joined = cohort.patients.join(cohort.follow_up, on="patient_id")
    arms = joined.group_by("arm").agg(pl.len(), pl.col("event").sum()).rows()
    assert {arm: (rows, events) for arm, rows, events in arms} == ARMS[name]
    assert cohort.endpoints == ("disease_free_survival",)
    assert datasets.about(name).endswith("(reconstructed)")
    assert any(note.startswith("RECONSTRUCTED") for note in cohort.provenance.notes)
    assert "guyot2012" in cohort.provenance.citations


@pytest.mark.parametrize("name", datasets.names())
def test_licence_and_provenance_lie_beside_the_table(name):
    folder = datasets.path(name).parent
    assert "Copyright (c) 2021 Robert Redd" in (folder / "LICENSE").read_text()
    assert "**reconstructed**" in (folder / "PROVENANCE.md").read_text()


def test_the_unit_of_azure_is_the_month():
    """Median follow-up 84 months (Coleman 2014, abstract); censoring as the event of the curve."""
    follow_up = load("azure").follow_up
    time, event = follow_up["time"].to_numpy(), follow_up["event"].to_numpy()
    days = np.unique(time)
    median = days[np.searchsorted([-survival(time, 1 - event, day) for day in days], -0.5)]
    assert math.isclose(median / (365.25 / 12), 84, rel_tol=0.1)


@pytest.mark.parametrize(
    ("name", "arm", "year", "published"),
    [
        ("ma17r", "letrozole", 5, 0.95),  # Goss 2016, abstract
        ("ma17r", "placebo", 5, 0.91),
        ("extenet", "neratinib", 1.95, 0.939),  # Chan 2016, abstract, at 2 years
        ("extenet", "placebo", 1.95, 0.916),
    ],
)
def test_published_survival_comes_back(name, arm, year, published):
    cohort = load(name)
    rows = cohort.follow_up.join(cohort.patients, on="patient_id").filter(pl.col("arm") == arm)
    found = survival(rows["time"].to_numpy(), rows["event"].to_numpy(), year * 365.25)
    assert abs(found - published) < 0.01


def test_an_unknown_name_is_refused():
    for ask in (datasets.path, datasets.mapping, datasets.about):
        with pytest.raises(
            CatalogError, match=r"no bundled data set 'azur'; did you mean 'azure'\?"
        ):
            ask("azur")
