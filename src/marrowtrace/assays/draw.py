r"""Drawing what an assay finds, exactly in law.

Given the patient the cells of a compartment are independent, so those in the sample that survive
preparation and carry the marker are Poisson (thinned), with the mean

.. math:: \mu = N\,\ell\,G\,\frac{a}{V}\,r \sum_j s_j m_j ,

N the cells, l the level of the blood at the draw, G the local density of the aspirate (gamma of
mean 1, one for each aspirate), a/V the share of the compartment examined, r the recovery (of the
laboratory and the reader, at most 1), s the shares of phenotypes and m their markers. Where the
number of cells is known each is seen or missed by itself: a sum of binomials, the
Poisson-binomial law. Clusters come and are recovered whole; each shows its marked cells (a Neyman
type law) or counts once if it has any. False positives are Poisson. A reader multiplies what is
called, true or false, by a log-normal factor of mean 1.

A signal (mRNA) is the sum of log-normal amounts of the cells that carry the marker and a
log-normal background of the sample; it is positive from the cut-off on.

**Streams.** Draws are keyed (seed, process 12, patient). Of the 2**48 blocks of a stream an
assay and visit have 2**14 of their own, at the place (24 bits of the CRC-32 of the assay's name,
10 bits of the visit). So a result does not depend on chunks, workers, the order of assays or which
others there are. Two names that share 24 bits would share their draws: `same_draws` tells.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrace.assays.assay import CLUSTERS, READOUTS, Assay
from marrowtrace.assays.burden import Burden
from marrowtrace.errors import ParameterError, ProblemList
from marrowtrace.streams import binomial, gamma, init, kernel, normal, poisson, stream

ASSAYS = 12
"""Process of the streams of assays."""
LABORATORIES, OF_LABORATORIES = 13, 14
"""Processes of the factors of laboratories, and of who sends samples to which."""
MOST_VISITS = 1024

_NAME_BITS, _VISIT_BITS, _BLOCK_BITS = 24, 10, 14
_LARGEST_COUNT = 2.0**31 - 1
# places in the numbers handed to the kernel
(
    _SHARE,
    _RECOVERY,
    _SHAPE,
    _READER,
    _FALSE,
    _THRESHOLD,
    _CLUSTER_RECOVERY,
    _CLUSTER_SIZE,
    _MEDIAN,
    _LOG_SD,
    _BACKGROUND,
    _BACKGROUND_SD,
    _CUT_OFF,
    _AT_MOST,
    _SUCCESS,
    _READOUT,
    _CLUSTERS,
    _ANY,
    _KNOWN,
) = range(19)
_ONE, _CELLS, _LOST = range(3)
_COUNT, _SIGNAL, _SEQUENCING = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """What an assay reports.

    Parameters
    ----------
    count : ndarray of int32, shape (n,)
        Cells of all sides together; -1 where none was taken, and always where the assay measures
        a signal.
    clusters : ndarray of int32, shape (n,)
        Clusters among what was counted; -1 likewise.
    positive : ndarray of int8, shape (n,)
        By the assay's own rule: 1, 0, or -1 where none was taken.
    by_side : ndarray of int32, shape (n, sides)
        Counts of each side.
    examined : float
        Amount of all sides together [mL or mononuclear cells].
    unit : str
        Of ``examined``: ``mL`` or ``nucleated_cells``.
    """

    count: NDArray[np.int32]
    clusters: NDArray[np.int32]
    positive: NDArray[np.int8]
    by_side: NDArray[np.int32]
    examined: float
    unit: str


def place(name: str, visit: int) -> int:
    """Return the first block, in a patient's stream, of an assay at a visit."""
    word = zlib.crc32(name.encode("utf-8")) & (2**_NAME_BITS - 1)
    return int((word << (_VISIT_BITS + _BLOCK_BITS)) | (visit << _BLOCK_BITS))


def same_draws(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the pairs of different names whose assays would share their random numbers."""
    seen: dict[int, str] = {}
    clashes = []
    for name in sorted(set(names)):
        first = seen.setdefault(place(name, 0), name)
        if first != name:
            clashes.append((first, name))
    return clashes


def draw(
    assay: Assay,
    burden: Burden,
    *,
    seed: int,
    patients: NDArray[np.int64],
    visit: int,
    laboratory: NDArray[np.float64] | None = None,
) -> Counts:
    """Draw what an assay finds of each patient's burden.

    Parameters
    ----------
    assay : Assay
    burden : Burden
        One entry a patient.
    seed : int
    patients : ndarray of int64, shape (n,)
        Patient numbers, which key the random numbers.
    visit : int
        Number of the visit, 0 to 1023.
    laboratory : ndarray of float64, shape (n, 2), optional
        Factors of recovery and of false positives of the laboratory that examines the sample
        (`marrowtrace.assays.laboratory.Laboratories.for_patients`).

    Returns
    -------
    Counts

    Raises
    ------
    ParameterError
        Listing every problem with the arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from marrowtrace.assays import Burden, assay
    >>> burden = Burden.of([0.0, np.nan, 1e7])
    >>> found = draw(assay("cellsearch"), burden, seed=1, patients=np.arange(3), visit=0)
    >>> found.count[1], found.positive[2]
    (np.int32(-1), np.int8(1))
    """
    numbers = np.ascontiguousarray(patients, dtype=np.int64)
    n = len(burden)
    factors = np.ones((1, 2)) if laboratory is None else np.ascontiguousarray(laboratory, float)
    problems = ProblemList()
    if numbers.shape != (n,):
        problems.add("patients", f"has the shape {numbers.shape}; one number a patient: ({n},)")
    elif n and numbers.min() < 0:
        problems.add("patients", f"has the number {numbers.min()}; allowed: from 0")
    if not 0 <= visit < MOST_VISITS:
        problems.add("visit", f"is {visit}; allowed: 0 to {MOST_VISITS - 1}")
    if laboratory is not None:
        if factors.shape != (n, 2):
            problems.add("laboratory", f"has the shape {factors.shape}; ({n}, 2) is wanted")
        elif not (np.isfinite(factors).all() and (factors >= 0).all()):
            problems.add("laboratory", "has factors that are negative or not finite")
    problems.raise_any(ParameterError, f"drawing {assay.name}")
    sides = int(assay["sides"])
    count = np.full(n, -1, np.int32)
    clusters = np.full(n, -1, np.int32)
    positive = np.full(n, -1, np.int8)
    by_side = np.full((n, sides), -1, np.int32)
    _fill(
        stream(seed, ASSAYS, 0),
        np.uint64(seed),
        ASSAYS,
        np.uint64(place(assay.name, visit)),
        numbers,
        burden.cells,
        burden.phenotype,
        burden.clusters,
        burden.level,
        factors,
        np.array(assay.markers),
        np.array(assay.reference),
        packed(assay, known=burden.known),
        count,
        clusters,
        positive,
        by_side,
    )
    return Counts(count, clusters, positive, by_side, assay.examined, assay.examined_unit)


def packed(assay: Assay, *, known: bool) -> NDArray[np.float64]:
    """Return the numbers of an assay in the order of the kernel."""
    out = np.zeros(19)
    out[_SHARE], out[_RECOVERY] = assay.sampled_share, assay["recovery"]
    out[_SHAPE], out[_READER] = assay["site_shape"], assay["reader_log_sd"]
    out[_CLUSTER_RECOVERY], out[_CLUSTER_SIZE] = assay["cluster_recovery"], assay["cluster_size"]
    out[_READOUT] = READOUTS.index(assay.readout)
    out[_CLUSTERS] = CLUSTERS.index(assay.clusters)
    out[_ANY], out[_KNOWN] = float(assay.rule == "any"), float(known)
    if assay.readout == "signal":
        out[_MEDIAN], out[_LOG_SD] = assay["signal_median"], assay["signal_log_sd"]
        out[_BACKGROUND] = assay["background_median"]
        out[_BACKGROUND_SD], out[_CUT_OFF] = assay["background_log_sd"], assay["cut_off"]
        out[_CLUSTERS] = _LOST if assay.clusters == "lost" else _CELLS  # all is lysed together
    else:
        out[_FALSE] = assay["false_positives"] * assay["amount"]
        out[_THRESHOLD] = assay["threshold"]
    if assay.readout == "sequencing":
        out[_AT_MOST], out[_SUCCESS] = assay["cells_at_most"], assay["success"]
    return out


@kernel
def _some(rng: NDArray[np.uint64], known: bool, number: float, chance: float) -> float:
    """Cells seen of ``number``: binomial where the number is known, else Poisson."""
    if known:
        return binomial(rng, np.floor(number + 0.5), chance)
    return poisson(rng, number * chance)


@kernel
def _side(
    rng: NDArray[np.uint64],
    w: NDArray[np.float64],
    cells: float,
    shares: tuple[float, float, float],
    markers: NDArray[np.float64],
    clusters: float,
    recovery: float,
) -> tuple[float, float]:
    """Tumour cells counted on one side, and clusters among what was counted."""
    known = w[_KNOWN] > 0.0
    share = w[_SHARE]
    if w[_SHAPE] < math.inf:
        share *= gamma(rng, w[_SHAPE]) / w[_SHAPE]
    if known:
        share = min(1.0, share)
    marked = shares[0] * markers[0] + shares[1] * markers[1] + shares[2] * markers[2]
    if known:
        seen = 0.0
        for j in range(3):
            seen += _some(rng, True, cells * shares[j], share * recovery * markers[j])
    else:
        seen = _some(rng, False, cells, share * recovery * marked)
    whole = 0.0
    if clusters > 0.0 and w[_CLUSTERS] != _LOST:
        chance = share * recovery * w[_CLUSTER_RECOVERY]
        further = w[_CLUSTER_SIZE] - 2.0
        if w[_CLUSTERS] == _ONE:
            blind = (1.0 - marked) * (1.0 - marked) * math.exp(-further * marked)
            whole = _some(rng, known, clusters, chance * (1.0 - blind))
            seen += whole
        else:
            recovered = _some(rng, known, clusters, chance)
            for _ in range(int(recovered)):
                shown = binomial(rng, 2.0, marked) + poisson(rng, further * marked)
                seen += shown
                whole += 1.0 if shown > 0.0 else 0.0
    return seen, whole


@kernel
def _is_positive(
    rng: NDArray[np.uint64], w: NDArray[np.float64], cells: float, background: float, reader: float
) -> bool:
    """Whether the signal of ``cells`` cells and the background reaches the cut-off."""
    wanted = w[_CUT_OFF] / reader
    level = w[_BACKGROUND] * background
    if level > 0.0 and w[_BACKGROUND_SD] > 0.0:
        level *= math.exp(w[_BACKGROUND_SD] * normal(rng))
    k = 0.0
    while level < wanted and k < cells:
        level += w[_MEDIAN] * math.exp(w[_LOG_SD] * normal(rng))
        k += 1.0
    return bool(level >= wanted)


@kernel
def _fill(
    rng: NDArray[np.uint64],
    seed: np.uint64,
    process: int,
    offset: np.uint64,
    patients: NDArray[np.int64],
    cells: NDArray[np.float64],
    phenotype: NDArray[np.float64],
    clusters: NDArray[np.float64],
    level: NDArray[np.float64],
    factors: NDArray[np.float64],
    markers: NDArray[np.float64],
    reference: NDArray[np.float64],
    w: NDArray[np.float64],
    count: NDArray[np.int32],
    whole: NDArray[np.int32],
    positive: NDArray[np.int8],
    by_side: NDArray[np.int32],
) -> None:
    """Draw for every patient who was sampled."""
    sides = by_side.shape[1]
    for i in range(patients.size):
        if not cells[i] >= 0.0:
            continue
        init(rng, seed, process, patients[i])
        rng[0] += offset
        at = i if factors.shape[0] > 1 else 0
        reader = 1.0
        if w[_READER] > 0.0:
            reader = math.exp(w[_READER] * normal(rng) - 0.5 * w[_READER] * w[_READER])
        shares = (phenotype[i, 0], phenotype[i, 1], phenotype[i, 2])
        if not shares[0] >= -1.0:
            shares = (reference[0], reference[1], reference[2])
        signal = w[_READOUT] == _SIGNAL
        called = 1.0 if signal else reader
        recovery = min(1.0, w[_RECOVERY] * factors[at, 0] * called)
        here, there = cells[i], clusters[i]
        if w[_KNOWN] == 0.0:
            here *= level[i]
            there *= level[i]
        total, groups, hits, most = 0.0, 0.0, 0, 0.0
        for side in range(sides):
            seen, together = _side(rng, w, here, shares, markers, there, recovery)
            if signal:
                if _is_positive(rng, w, seen, factors[at, 1], reader):
                    hits += 1
                continue
            seen += poisson(rng, w[_FALSE] * factors[at, 1] * reader)
            if w[_READOUT] == _SEQUENCING:
                seen = binomial(rng, min(seen, w[_AT_MOST]), w[_SUCCESS])
                together = min(together, seen)
            total += seen
            groups += together
            most = max(most, seen)
            by_side[i, side] = int(min(seen, _LARGEST_COUNT))
        if signal:
            positive[i] = 1 if hits > 0 else 0
            continue
        count[i] = int(min(total, _LARGEST_COUNT))
        whole[i] = int(min(groups, _LARGEST_COUNT))
        decided = most if w[_ANY] > 0.0 else total
        positive[i] = 1 if decided >= w[_THRESHOLD] else 0
