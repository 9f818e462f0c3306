from __future__ import annotations

import inspect

import pytest

from marrowtrace import terms
from marrowtrace.terms import Vocabulary, fold

VOCABULARIES = [v for _, v in inspect.getmembers(terms) if isinstance(v, Vocabulary)]


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda v: v.name)
def test_no_word_means_two_terms(vocabulary):
    meaning: dict[str, str] = {}
    for term, synonyms in vocabulary.terms.items():
        for word in (term, *synonyms):
            assert meaning.setdefault(fold(word), term) == term, word


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda v: v.name)
def test_terms_mean_themselves(vocabulary):
    for term in vocabulary.allowed:
        assert vocabulary.normalise(term) == term


@pytest.mark.parametrize(
    ("vocabulary", "word", "term"),
    [
        (terms.SITE, "PB", "blood"),
        (terms.SITE, " Bone-Marrow ", "bone_marrow"),
        (terms.SITE, "marow", None),
        (terms.PHASE, "Baseline", "pre"),
        (terms.RECEPTOR, "+", "positive"),
        (terms.RECEPTOR, "-", "negative"),
        (terms.ENDPOINT, "DFS", "disease_free_survival"),
        (terms.CANCER, "NSCLC", "lung"),
    ],
)
def test_synonyms(vocabulary, word, term):
    assert vocabulary.normalise(word) == term
