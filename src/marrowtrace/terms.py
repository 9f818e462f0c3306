"""The words of the field that the data model accepts, with the synonyms that clinics write.

Each vocabulary maps an accepted term to its synonyms; `normalise` returns the term for a word in
any case, with spaces, hyphens or underscores. What was understood as a synonym is reported by the
readers, never silently replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_SEPARATORS = re.compile(r"[\s\-_./]+")


def fold(word: str) -> str:
    """Return ``word`` without case and with one underscore for any run of separators.

    Examples
    --------
    >>> fold(" Bone-Marrow ")
    'bone_marrow'
    """
    return _SEPARATORS.sub("_", word.strip().casefold()).strip("_")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Accepted terms of one kind and their synonyms.

    Parameters
    ----------
    name : str
        What the terms are, e.g. ``"site"``.
    terms : mapping of str to tuple of str
        Accepted term to its synonyms.
    """

    name: str
    terms: Mapping[str, tuple[str, ...]]
    _known: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known = {fold(term): term for term in self.terms}
        for term, synonyms in self.terms.items():
            for synonym in synonyms:
                known.setdefault(fold(synonym), term)
        object.__setattr__(self, "_known", MappingProxyType(known))

    @property
    def allowed(self) -> tuple[str, ...]:
        """The accepted terms, in the order of the vocabulary."""
        return tuple(self.terms)

    def synonyms(self) -> Mapping[str, str]:
        """Folded spelling of every term and synonym to the accepted term."""
        return self._known

    def normalise(self, word: str) -> str | None:
        """Return the accepted term for ``word``, or None if it is unknown.

        Examples
        --------
        >>> SITE.normalise("BM"), SITE.normalise("peripheral blood"), SITE.normalise("marow")
        ('bone_marrow', 'blood', None)
        """
        return self.synonyms().get(fold(word))


def _vocabulary(name: str, terms: Mapping[str, Iterable[str]]) -> Vocabulary:
    return Vocabulary(name, MappingProxyType({t: tuple(s) for t, s in terms.items()}))


SITE = _vocabulary(
    "site",
    {
        "primary": ("primary tumour", "primary tumor", "tumour", "tumor", "PT"),
        "blood": ("PB", "peripheral blood", "whole blood", "venous blood"),
        "bone_marrow": ("BM", "marrow", "bone marrow aspirate", "BMA", "iliac crest"),
        "lymph_node": ("LN", "node", "nodal", "sentinel node", "SLN"),
        "metastasis": ("met", "mets", "metastatic", "distant metastasis"),
    },
)
PHASE = _vocabulary(
    "phase",
    {
        "pre": ("before", "baseline", "pre-treatment", "pretreatment", "diagnosis"),
        "on": ("during", "on-treatment", "under treatment"),
        "post": ("after", "post-treatment", "posttreatment", "follow-up", "follow up"),
    },
)
SEX = _vocabulary(
    "sex", {"female": ("f", "woman", "w"), "male": ("m", "man"), "other": ("diverse", "intersex")}
)
RECEPTOR = _vocabulary(
    "receptor status",
    {
        "positive": ("pos", "+", "yes", "1", "true", "amplified", "3+"),
        "negative": ("neg", "-", "no", "0", "false", "not amplified"),
        "low": ("1+", "weak", "2+ not amplified"),
    },
)
CANCER = _vocabulary(
    "cancer type",
    {
        "breast": ("breast cancer", "mamma", "BRCA", "breast carcinoma", "mammary"),
        "prostate": ("prostate cancer", "PRAD", "prostatic"),
        "colorectal": ("CRC", "colon", "rectal", "rectum", "colorectal cancer", "COAD", "READ"),
        "gastric": ("stomach", "gastric cancer", "STAD"),
        "lung": ("lung cancer", "NSCLC", "SCLC", "LUAD", "LUSC"),
        "pancreatic": ("pancreas", "PDAC", "PAAD"),
        "oesophageal": ("esophageal", "oesophagus", "esophagus", "ESCA"),
        "ovarian": ("ovary", "OV"),
        "melanoma": ("SKCM",),
        "renal": ("kidney", "RCC", "KIRC"),
        "head_and_neck": ("HNSCC", "HNSC"),
        "bladder": ("urothelial", "BLCA"),
        "liver": ("biliary", "hepatobiliary", "LIHC"),
        "other": (),
    },
)
CELL_CLASS = _vocabulary(
    "cell class",
    {
        "CTC": ("circulating tumour cell", "circulating tumor cell", "CTCs"),
        "DTC": ("disseminated tumour cell", "disseminated tumor cell", "DTCs", "DTC-BM"),
        "CTC_cluster": ("CTM", "circulating tumour microemboli", "cluster", "clusters"),
        "tumour_cell": ("tumor cell",),
    },
)
EXAMINED_UNIT = _vocabulary(
    "examined unit",
    {
        "mL": ("ml", "millilitre", "milliliter", "cc"),
        "nucleated_cells": ("MNC", "mononuclear cells", "cells", "nucleated cells", "WBC"),
    },
)
INDEX_EVENT = _vocabulary(
    "index event",
    {
        "diagnosis": ("dx", "initial diagnosis"),
        "surgery": ("operation", "resection"),
        "randomisation": ("randomization",),
        "first_treatment": ("start of treatment", "treatment start", "first therapy"),
        "enrolment": ("registration", "study entry", "entry", "enrollment", "inclusion"),
        "first_sample": ("first blood draw", "first aspirate"),
    },
)
ENDPOINT = _vocabulary(
    "endpoint",
    {
        "relapse": ("recurrence", "recur"),
        "relapse_free_survival": ("RFS", "relapse free survival", "recurrence free survival"),
        "disease_free_survival": ("DFS", "IDFS", "invasive disease free survival"),
        "distant_disease_free_survival": ("DDFS", "DRFS", "distant relapse free survival"),
        "progression_free_survival": ("PFS",),
        "overall_survival": ("OS", "survival", "death"),
        "cancer_specific_survival": ("BCSS", "CSS", "DSS", "disease specific survival"),
        "bone_metastasis": ("bone met", "skeletal metastasis"),
        "distant_metastasis": ("metastasis free survival", "MFS"),
        "local_relapse": ("local recurrence", "locoregional relapse"),
    },
)
