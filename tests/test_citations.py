from __future__ import annotations

import pytest

from marrowtrace.citations import bibliography, cite, read_references, reference_list
from marrowtrace.errors import CitationError

GOOD = """
[fehm2009]
authors = "Fehm T, Hoffmann O"
year = 2009
title = "Detection and characterization of circulating tumor cells"
journal = "Breast Cancer Res"
volume = "11"
pages = "R59"
status = "seen"
"""


def test_a_reference_prints_whole():
    citation = read_references(GOOD, where="x")["fehm2009"]
    assert citation.short == "Fehm 2009"
    assert str(citation) == (
        "Fehm T, Hoffmann O (2009). Detection and characterization of circulating tumor cells. "
        "Breast Cancer Res 11:R59."
    )


def test_a_remembered_paper_says_so():
    citation = read_references(GOOD.replace('"seen"', '"remembered"'), where="x")["fehm2009"]
    assert str(citation).endswith("[remembered, not verified]")


def test_every_problem_at_once():
    text = (
        'stray = 1\n[a]\nauthors = "A"\nyear = "2009"\njournal = "J"\nstatus = "read"\nvol = "3"\n'
    )
    with pytest.raises(CitationError) as raised:
        read_references(text, where="my.toml")
    message = str(raised.value)
    assert "4 problems" not in message
    assert "stray: is 1, but a reference is a table '[stray]'" in message
    assert "a: has no title" in message
    assert "a: has an unknown field 'vol'; did you mean 'volume'?" in message
    assert "a: has status 'read'; allowed: seen, listed, remembered" in message
    assert "a: has year '2009', which is not a whole number" in message


def test_not_toml():
    with pytest.raises(CitationError, match=r"my.toml is not valid TOML"):
        read_references("[a", where="my.toml")


def test_unknown_key():
    with pytest.raises(CitationError, match=r"no reference 'sai2019'.*; did you mean 'sai2018'"):
        cite("sai2019")


def test_the_bibliography_is_complete_and_sorted():
    references = bibliography()
    assert list(references) == sorted(references)
    assert all(1800 < c.year < 2030 for c in references.values())


def test_each_paper_is_listed_once():
    assert len(reference_list(["meng2004", "sai2018", "meng2004"])) == 2
