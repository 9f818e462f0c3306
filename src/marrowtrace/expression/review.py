"""What the review says of dormant and disseminated cells, held against a measured contrast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marrowtrace.expression.differential import FDR, Comparison

DORMANT = ("dormant", "dormancy", "lrc", "quiescent", "label-retaining", "dtc")
OTHERS = ("control", "ctrl", "cycling", "non-lrc", "non.lrc", "proliferating", "reawakened",
          "reawaken", "ctc", "primary", "tumour", "tumor")  # fmt: skip
_SAYS: tuple[tuple[str, tuple[str, ...], int, str], ...] = (
    ("5.2", ("MKI67",), -1, "disseminated cells in marrow are mostly Ki67-negative"),
    ("5.2", ("TGFB2",), 1, "TGF-beta 2 induces dormancy"),
    ("5.2", ("TGFBR1", "TGFBR3"), 1, "through TGF-beta receptors I and III"),
    ("5.2", ("SMAD1", "SMAD5"), 1, "and SMAD1/5"),
    ("5.2", ("AXL",), 1, "dormant cells near osteoblasts express high levels of Axl"),
    ("5.2", ("TYRO3",), -1, "the ratio of Axl to Tyro3 rises"),
    ("5.3", ("HLA-A", "HLA-B", "HLA-C", "B2M"), -1, "MHC class I is reduced"),
    ("5.4", ("CDH2",), 1, "N-cadherin is gained"),
    ("5.4", ("CDH1",), -1, "E-cadherin is lost"),
    ("5.4", ("CD44",), 1, "stem-like: CD44 high"),
    ("5.4", ("CD24",), -1, "stem-like: CD24 low"),
    ("5.4", ("HSPA5", "P4HB", "PDIA4", "PDIA6"), 1, "unfolded protein response and disulphide "
     "isomerases are high"),
    ("5.5", ("SPP1", "ALPL", "RUNX2"), 1, "osteopontin, alkaline phosphatase and RUNX2 rise"),
    ("5.5", ("TNFRSF11A", "TNFSF11"), 1, "RANK and its ligand are active"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One gene that the review speaks of, and what was measured.

    Parameters
    ----------
    comparison, section, says, gene : str
    expected : {1, -1}
    effect, fdr : float
        Log2 change in dormant or disseminated cells.
    verdict : {"agrees", "against the review", "not settled"}
    """

    comparison: str
    section: str
    says: str
    gene: str
    expected: int
    effect: float
    fdr: float
    verdict: str

    def to_json(self) -> dict[str, Any]:
        """Return the statement as plain values."""
        return {
            "comparison": self.comparison,
            "section": self.section,
            "says": self.says,
            "gene": self.gene,
            "expected": "up" if self.expected > 0 else "down",
            "effect": self.effect,
            "fdr": self.fdr,
            "verdict": self.verdict,
        }


def hold_against_review(comparison: Comparison) -> list[Statement]:
    """Hold one comparison against the review's section 5.

    Parameters
    ----------
    comparison : Comparison
        One of its types must be dormant or disseminated (`DORMANT`) and the other not; else
        there is nothing to say.

    Returns
    -------
    list of Statement
    """
    sign = _direction(comparison.first, comparison.second)
    if sign == 0:
        return []
    ends = (comparison.first, comparison.second)[:: 1 if sign > 0 else -1]
    name = f"{ends[1]} against {ends[0]} in {comparison.study}"
    out = []
    for section, genes, expected, says in _SAYS:
        for gene in genes:
            found = comparison.effect(gene)
            if found is None:
                continue
            effect, fdr = sign * found[0], found[1]
            settled = fdr < FDR
            verdict = (
                "not settled" if not settled
                else "agrees" if effect * expected > 0 else "against the review"
            )  # fmt: skip
            out.append(
                Statement(
                    comparison=name,
                    section=section,
                    says=says,
                    gene=gene,
                    expected=expected,
                    effect=effect,
                    fdr=fdr,
                    verdict=verdict,
                )
            )
    return out


def _direction(first: str, second: str) -> int:
    a, b = _dormant(first), _dormant(second)
    return 0 if a == b else 1 if b else -1


def _dormant(name: str) -> bool:
    folded = name.casefold().replace("_", "-")
    if folded in OTHERS or folded.startswith("non"):
        return False
    return any(word in folded for word in DORMANT)


def against(statements: Sequence[Statement]) -> list[Statement]:
    """Return what goes against the review."""
    return [each for each in statements if each.verdict == "against the review"]
