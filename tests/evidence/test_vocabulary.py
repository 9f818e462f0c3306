"""Words of the evidence tables."""

from __future__ import annotations

import pytest

from marrowtrace.evidence.vocabulary import WORDS, term, unknown_word


@pytest.mark.parametrize(
    ("column", "word", "accepted"),
    [
        ("analyte", "CTCs", "CTC"),
        ("analyte", "CTM", "CTC_cluster"),
        ("cancer", "colon", "colorectal"),
        ("phase", "follow-up", "post"),
        ("stage", "Stage IV", "metastatic"),
        ("endpoint", "progression-free survival", "PFS"),
        ("adjustment", "univariate", "univariable"),
        ("clock", "landmark", "sampling"),
    ],
)
def test_synonyms_become_terms(column, word, accepted):
    assert unknown_word(column, word) == ""
    assert term(column, word) == accepted


def test_every_term_is_its_own_term():
    for column, vocabulary in WORDS.items():
        for word in vocabulary.allowed:
            assert term(column, word) == word


def test_unknown_word_names_the_nearest():
    message = unknown_word("endpoint", "DSF")
    assert message.startswith("'DSF' is not an endpoint; allowed: OS, BCSS")
    assert message.endswith("did you mean 'DFS'?")


def test_psa_progression_is_not_progression():
    """Endpoints that share a word must not become one by spelling."""
    assert term("endpoint", "PSA progression") == "PSA-PFS"
    assert term("endpoint", "PFS") == "PFS"
