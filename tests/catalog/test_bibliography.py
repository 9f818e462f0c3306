from __future__ import annotations

import re
from importlib.resources import files

from marrowtrace.citations import bibliography

TEXT = files("marrowtrace").joinpath("references.toml").read_text(encoding="utf-8")
IN_THE_REVIEW = 143


def test_references_are_sorted_by_key():
    keys = re.findall(r"^\[(.+)\]$", TEXT, re.MULTILINE)
    assert keys == sorted(keys)
    assert len(keys) == len(bibliography())


def test_a_key_is_first_author_and_year():
    for key, paper in bibliography().items():
        match = re.fullmatch(r"([a-z]+)(\d{4})[a-c]?", key)
        assert match is not None, key
        assert int(match[2]) == paper.year, key
        if match[1] != "ebctcg":
            author = paper.authors.split(",")[0].rsplit(" ", 1)[0]
            assert re.sub("[^a-z]", "", author.lower()) == match[1], key


def test_the_same_paper_is_there_once():
    titles = [re.sub(r"\W+", " ", p.title.lower()).strip() for p in bibliography().values()]
    assert len(set(titles)) == len(titles)


def test_a_clash_of_keys_is_told_apart_by_letters():
    keys = set(bibliography())
    for key in keys:
        if key[-1].isalpha():
            assert key[:-1] not in keys
            assert {key[:-1] + "a", key[:-1] + "b"} <= keys


def test_the_papers_of_the_reviews_tables_are_there():
    tables = {
        "zheng2017", "hinz2017", "cristofanilli2005", "fehm2009", "mansi1999", "nagrath2007",
        "riethdorf2017", "hoffmann2015", "sola2013", "mathiesen2012", "rack2010", "lilleby2013",
        "lilleby2003", "kollermann2008", "carlsson2017", "kienle2003",
    }  # fmt: skip
    assert tables <= set(bibliography())


def test_the_whole_reference_list_of_the_review_is_there():
    standing = [paper.status for paper in bibliography().values()]
    assert standing.count("listed") + standing.count("seen") >= IN_THE_REVIEW


def test_identifiers_have_their_form():
    for key, paper in bibliography().items():
        assert not paper.doi or re.fullmatch(r"10\.\d{4,}/\S+", paper.doi), key
        assert not paper.pmid or paper.pmid.isdigit(), key
