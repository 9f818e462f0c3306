"""Small-study effects among the rows behind a pooled figure: every test, and trim and fill.

For rates Peters' test comes first. The variance of a logit depends on the rate itself, so a funnel
of rates leans even where nothing is missing, and Egger's and Begg's tests find that; 1/n does not
depend on it. For hazard ratios there are Egger's and Begg's tests; Peters' needs the counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

import polars as pl

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.bias import ENOUGH_STUDIES, AsymmetryTest, begg, egger, peters
from marrowtrace.evidence.heterogeneity import Tau2Method
from marrowtrace.evidence.plain_values import PlainValue, plain
from marrowtrace.evidence.pooling import PooledRate
from marrowtrace.evidence.row_effects import Pooled, natural, row_effects, scale_of
from marrowtrace.evidence.trim_and_fill import TrimAndFill, trim_and_fill

SCHEMA = "marrowtrace.evidence.funnel/1"
LEAST = 3


@dataclass(frozen=True, kw_only=True)
class Asymmetry:
    """Tests of asymmetry of the rows behind a pooled figure, first choice first.

    Parameters
    ----------
    result : PooledRate or PooledPrognosis
    tests : tuple of AsymmetryTest
    refused : tuple of str
        Tests that these rows do not allow, with the reason.
    fill : TrimAndFill or None
        On the scale of `row_effects`; None where it cannot be had.
    warnings : tuple of str
    """

    result: Pooled
    tests: tuple[AsymmetryTest, ...]
    refused: tuple[str, ...]
    fill: TrimAndFill | None
    warnings: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The first choice in a line, with what it cannot say."""
        studies = len(self.result.rows)
        if not self.tests:
            return f"{studies} studies: no test of asymmetry is possible"
        first = self.tests[0]
        weak = (
            f"; under {ENOUGH_STUDIES} studies, so it says little"
            if studies < ENOUGH_STUDIES
            else ""
        )
        whose = f"{first.name}'" + ("" if first.name.endswith("s") else "s")
        return f"{whose} test of asymmetry: p = {first.p_value:.2g} ({studies} studies{weak})"

    def pooled(self, *, adjusted: bool) -> tuple[float, float, float]:
        """Pooled rate or hazard ratio and its interval, with the filled studies or without."""
        assert self.fill is not None
        found = self.fill.adjusted if adjusted else self.fill.observed
        low, middle, high = (
            natural(self.result, value) for value in (found.ci_low, found.estimate, found.ci_high)
        )
        return middle, low, high

    def table(self) -> pl.DataFrame:
        """Return one row for each test."""
        return pl.DataFrame(
            [
                {"test": t.name, "statistic": t.statistic, "df": t.df, "p_value": t.p_value}
                for t in self.tests
            ],
            schema={
                "test": pl.String,
                "statistic": pl.Float64,
                "df": pl.Float64,
                "p_value": pl.Float64,
            },
        )

    def to_json(self) -> dict[str, PlainValue]:
        """Return the tests as plain JSON values; filled studies as rates or hazard ratios."""
        query = self.result.query
        filled: PlainValue = None
        if self.fill is not None:
            ends = ("estimate", "ci_low", "ci_high")
            filled = {
                "filled": self.fill.filled,
                "side": self.fill.side,
                "estimator": self.fill.estimator,
                "method": self.fill.observed.method,
                "observed": plain(dict(zip(ends, self.pooled(adjusted=False), strict=True))),
                "adjusted": plain(dict(zip(ends, self.pooled(adjusted=True), strict=True))),
                "filled_studies": [
                    {"estimate": natural(self.result, effect), "se": variance**0.5}
                    for effect, variance in zip(
                        self.fill.filled_effects, self.fill.filled_variances, strict=True
                    )
                ],
            }
        return {
            "schema": SCHEMA,
            "analyte": query.analyte,
            "phase": query.phase,
            "endpoints": list(query.endpoints),
            "values": self.result.values,
            "scale": scale_of(self.result),
            "k": len(self.result.rows),
            "tests": [test.to_json() for test in self.tests],
            "refused": list(self.refused),
            "trim_and_fill": filled,
            "rows": plain(self.result.rows),
            "left_out": plain(self.result.left_out),
            "flags": list(self.result.flags),
            "warnings": list(self.warnings),
            "papers": list(self.result.papers),
        }


def asymmetry(result: Pooled) -> Asymmetry:
    """Test the rows behind a pooled figure for small-study effects.

    Parameters
    ----------
    result : PooledRate or PooledPrognosis
        A prognosis pooled by a method for hazard ratios.

    Returns
    -------
    Asymmetry
        What these rows do not allow (fewer than three, all of one size, a zero cell in Peters'
        test) is named in ``refused``.

    Raises
    ------
    EvidenceError
        If p-values were combined, which have no funnel.
    """
    effects, variances = row_effects(result)
    tests: list[AsymmetryTest] = []
    refused: list[str] = []
    method = "REML"
    made: dict[str, Callable[[], AsymmetryTest]] = {}
    if isinstance(result, PooledRate):
        one_sided = [row.row for row in result.rows if row.k in (0, row.n)]
        if one_sided:
            refused.append(f"Peters: in {', '.join(one_sided)} all or none are positive")
        else:
            k, n = [row.k for row in result.rows], [row.n for row in result.rows]
            made["Peters"] = partial(peters, effects, events=k, totals=n)
    else:
        method = result.method
    made |= {
        "Egger": partial(egger, effects, variances),
        "Begg": partial(begg, effects, variances),
    }
    for name, test in made.items():
        try:
            tests.append(test())
        except EvidenceError as err:
            refused.append(f"{name}: {err}")
    fill = None
    try:
        fill = trim_and_fill(effects, variances, method=cast("Tau2Method", method))
    except EvidenceError as err:
        refused.append(f"trim and fill: {err}")
    warnings = [warning for part in (*tests, fill) if part for warning in part.warnings]
    if fill is not None and fill.filled:
        warnings.append(
            f"what trim and fill adds ({fill.filled}) is made up: it says how far asymmetry could "
            "move the answer, not what the answer is"
        )
    return Asymmetry(
        result=result,
        tests=tuple(tests),
        refused=tuple(refused),
        fill=fill,
        warnings=tuple(dict.fromkeys(warnings)),
    )
