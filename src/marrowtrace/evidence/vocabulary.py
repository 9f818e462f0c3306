"""The words that a row of published evidence may use, beside those of `marrowtrace.terms`.

Endpoints keep the abbreviations that papers print, because "DFS" in one paper and "PSA-PFS" in
another are not one endpoint and must not become one by spelling.
"""

from __future__ import annotations

from types import MappingProxyType

from marrowtrace.errors import did_you_mean
from marrowtrace.terms import CANCER, CELL_CLASS, PHASE, Vocabulary

ENDPOINT = Vocabulary(
    "endpoint",
    MappingProxyType(
        {
            "OS": ("overall survival", "overall_survival"),
            "BCSS": ("breast cancer-specific survival", "CSS", "cancer_specific_survival"),
            "DFS": ("disease-free survival", "disease_free_survival", "IDFS"),
            "DFI": ("disease-free interval",),
            "DDFS": ("distant disease-free survival", "distant_disease_free_survival", "DRFS"),
            "RFS": ("relapse-free survival", "relapse_free_survival"),
            "PFS": ("progression-free survival", "progression_free_survival", "clinical PFS"),
            "PSA-PFS": ("PSA progression", "biochemical relapse", "biochemical failure"),
        }
    ),
)
STAGE = Vocabulary(
    "stage",
    MappingProxyType(
        {
            "early": ("primary", "stage I-III", "operable", "nonmetastatic", "localised"),
            "locally advanced": ("LABC",),
            "metastatic": ("stage IV", "advanced"),
            "mixed": ("all stages", "stage I-IV"),
            "unknown": ("not stated", "not printed"),
        }
    ),
)
UNIT = Vocabulary("counted unit", MappingProxyType({"patients": (), "samples": ("specimens",)}))
DIRECTION = Vocabulary(
    "direction",
    MappingProxyType(
        {
            "worse": ("adverse", "shorter", "unfavourable"),
            "better": ("favourable", "longer"),
            "unknown": ("not printed", "not stated"),
        }
    ),
)
ADJUSTMENT = Vocabulary(
    "adjustment",
    MappingProxyType(
        {
            "univariable": ("univariate", "unadjusted", "crude"),
            "multivariable": ("multivariate", "adjusted"),
            "unknown": ("not printed", "not stated"),
        }
    ),
)
CLOCK = Vocabulary(
    "clock",
    MappingProxyType(
        {
            "diagnosis": ("surgery", "randomisation"),
            "sampling": ("sample", "landmark"),
            "unknown": ("not printed", "not stated"),
        }
    ),
)
STATUS = Vocabulary(
    "status",
    MappingProxyType(
        {"seen": (), "printed": ("as printed in the review",), "remembered": (), "user": ()}
    ),
)

WORDS = MappingProxyType(
    {
        "analyte": CELL_CLASS,
        "cancer": CANCER,
        "stage": STAGE,
        "phase": PHASE,
        "unit": UNIT,
        "endpoint": ENDPOINT,
        "direction": DIRECTION,
        "adjustment": ADJUSTMENT,
        "clock": CLOCK,
        "status": STATUS,
    }
)
"""Column of an evidence table to the vocabulary that it is checked against."""


def unknown_word(column: str, word: str) -> str:
    """Return what to tell a user whose ``word`` is not allowed in ``column``; empty if it is.

    Examples
    --------
    >>> unknown_word("endpoint", "OSS")
    "'OSS' is not an endpoint; allowed: OS, BCSS, DFS, DFI, DDFS, RFS, PFS, PSA-PFS; did you mean \
'OS'?"
    >>> unknown_word("endpoint", "overall survival")
    ''
    """
    vocabulary = WORDS[column]
    if vocabulary.normalise(word) is not None:
        return ""
    article = "an" if vocabulary.name[0] in "aeiou" else "a"
    return (
        f"'{word}' is not {article} {vocabulary.name}; allowed: {', '.join(vocabulary.allowed)}"
        f"{did_you_mean(word, vocabulary.allowed)}"
    )


def term(column: str, word: str) -> str:
    """Return the accepted term of ``column`` for a checked ``word``."""
    found = WORDS[column].normalise(word)
    assert found is not None
    return found
