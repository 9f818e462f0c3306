"""What a laboratory sees of the truth: assays of blood and marrow as observation models.

- `marrowtrace.assays.assay`: one method with its numbers and sources; `assay`, `names`, `read`.
- `marrowtrace.assays.burden`: the cells that are there.
- `marrowtrace.assays.draw`: what the method finds of them, drawn exactly.
- `marrowtrace.assays.law`: the probability of every count, and of a positive result.
- `marrowtrace.assays.power`: detection against burden, by amount and number of aspirates.
- `marrowtrace.assays.laboratory`: laboratories that differ in strictness.
"""

from __future__ import annotations

from marrowtrace.assays.assay import SYMBOLS, Assay
from marrowtrace.assays.assay_file import read, to_toml
from marrowtrace.assays.burden import PHENOTYPES, Burden, blood_phenotype
from marrowtrace.assays.presets import assay, names

__all__ = [
    "PHENOTYPES",
    "SYMBOLS",
    "Assay",
    "Burden",
    "assay",
    "blood_phenotype",
    "names",
    "read",
    "to_toml",
]
