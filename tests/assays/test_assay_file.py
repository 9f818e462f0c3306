from __future__ import annotations

import pytest

from marrowtrace.assays import assay, names, read, to_toml
from marrowtrace.errors import CatalogError, InputFileError, MissingFileError


def write(folder, text):
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", names())
def test_what_is_written_reads_back(tmp_path, name):
    again = read(write(tmp_path, to_toml(assay(name))))
    first = assay(name)
    for field in ("name", "title", "specimen", "cell_class", "readout", "clusters", "rule",
                  "calibrated", "notes"):  # fmt: skip
        assert getattr(again, field) == getattr(first, field)
    assert set(again.numbers) == set(first.numbers)
    for symbol, parameter in first.numbers.items():
        other = again.numbers[symbol]
        assert (other.value, other.low, other.high) == (
            parameter.value, parameter.low, parameter.high,
        )  # fmt: skip
        assert other.source == parameter.source


def test_a_file_may_start_from_a_bundled_assay(tmp_path):
    found = read(write(tmp_path, 'base = "cellsearch"\nname = "ours"\namount = 30\n'))
    assert found.name == "ours"
    assert found["amount"] == 30
    assert found.markers == assay("cellsearch").markers
    assert found.calibrated  # only the amount differs
    other = read(write(tmp_path, 'base = "cellsearch"\nname = "ours"\nrecovery = 0.6\n'))
    assert other["recovery"] == 0.6
    assert not other.calibrated  # its detection is its own now


def test_every_problem_of_a_file_is_listed(tmp_path):
    text = """
titel = "Mine"
specimen = "blood"
cell_class = 3
calibrated = "yes"
amount = 7.5
[recovery]
value = 2
low = 0
high = 1
unit = "-"
kind = "assumed"
[threshold]
value = 1
low = 1
high = 1
unit = "cells"
kind = "measured"
where = "page 3"
"""
    with pytest.raises(InputFileError) as caught:
        read(write(tmp_path, text))
    message = str(caught.value)
    for part in (
        "mine.toml:",
        "titel: is unknown; did you mean 'title'?",
        "cell_class: is 3, which is not a text",
        "calibrated: is 'yes'; allowed: true, false",
        "name: is missing",
        "title: is missing",
        "amount: is 7.5; give a table '[amount]'",
        "recovery: has no source: no field 'where'",
        "threshold: a source of kind 'measured' needs a citation",
    ):
        assert part in message


def test_problems_of_the_assay_are_listed_too(tmp_path):
    with pytest.raises(InputFileError) as caught:
        read(write(tmp_path, 'base = "cellsearch"\nreadout = "signal"\nclusters = "two"\n'))
    assert "clusters: is 'two'" in str(caught.value)
    with pytest.raises(InputFileError, match="recovery = 3 - is outside its range"):
        read(write(tmp_path, 'base = "cellsearch"\nrecovery = 3\n'))


def test_files_that_are_no_assay(tmp_path):
    with pytest.raises(InputFileError, match="not valid TOML"):
        read(write(tmp_path, "name = "))
    with pytest.raises(MissingFileError, match=r"no file .*other\.toml"):
        read(tmp_path / "other.toml")
    with pytest.raises(CatalogError, match="did you mean 'iset'"):
        read(write(tmp_path, 'base = "issett"\n'))
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputFileError, match="not a text file in UTF-8"):
        read(binary)
