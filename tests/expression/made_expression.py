"""Made expression data with known programs, for the tests of this folder."""

import numpy as np

from marrowtrace.expression.genes import HOUSEKEEPING
from marrowtrace.expression.matrix import Expression
from marrowtrace.expression.programs import programs

GENES = tuple(
    dict.fromkeys(
        [g for p in programs() for g in p.genes]
        + list(HOUSEKEEPING)
        + [f"G{i}" for i in range(900)]
    )
)


def made(
    n: int = 40, *, seed: int = 1, raised: tuple[str, ...] = (), rows: slice = slice(0, 0),
    by: float = 3.0, name: str = "made", log: bool = True,
) -> Expression:  # fmt: skip
    """Log-scale expression of ``n`` cells with dropout; ``raised`` genes are up in ``rows``."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(2.0, 9.0, len(GENES))
    values = np.maximum(level + rng.normal(0, 1.0, (n, len(GENES))), 0.1)
    values *= rng.uniform(size=values.shape) < 0.75
    place = {gene: i for i, gene in enumerate(GENES)}
    for gene in raised:
        values[rows, place[gene]] += by
    for gene in HOUSEKEEPING:
        floor = 6.0 + rng.uniform(0.0, 0.5, n)
        values[:, place[gene]] = np.maximum(values[:, place[gene]], floor)
    if not log:
        values = np.rint(2.0 ** np.minimum(values, 12.0) - 1.0)
    return Expression(
        values=values, samples=tuple(f"{name}_{i}" for i in range(n)), genes=GENES,
        scale="log" if log else "counts", name=name,
    )  # fmt: skip
