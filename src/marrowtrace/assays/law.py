r"""The law of what an assay finds: the probability of every count, and of a positive result.

Given the reader's factor the sides are independent. The count of a side is a compound law: events
(cells, recovered clusters) that are Poisson or, with a gamma density between aspirates, negative
binomial, each showing one cell or the marked cells of a cluster; its probabilities follow from
Panjer's recursion (1981, ASTIN Bulletin 12:22-26; remembered, not verified), vectorised over
rates. False positives are convolved. The reader's factor, and a level of the blood that is not
known but log-normal, are integrated by Gauss-Hermite quadrature (64 points; 24
where the log-sd is at most 0.5).

Where the number of cells is known the law is Poisson-binomial, a convolution of binomials.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import signal, special, stats

from marrowtrace.assays.assay import Assay
from marrowtrace.assays.burden import Burden
from marrowtrace.errors import ParameterError

Floats = NDArray[np.float64]
NODES, FEW_NODES = 64, 24
_NARROW = 0.5  # log-sd up to which the fewer nodes are exact to 12 digits
_SMALL_RATE = 300.0
_TAIL = 1e-13
_LONGEST = 50_000
_DIRECT = 2_000  # longer laws are convolved by FFT, with errors of 1e-16


def pmf(
    assay: Assay,
    burden: Burden,
    *,
    most: int | None = None,
    burst_log_sd: float = 0.0,
    laboratory: tuple[float, float] = (1.0, 1.0),
) -> Floats:
    """Probability of each count, over all sides together.

    Parameters
    ----------
    assay : Assay
        One that counts or sequences.
    burden : Burden
    most : int, optional
        Largest count wanted; by default such that what is left out is below 1e-12.
    burst_log_sd : float
        Log-sd of the blood's level around 1, in place of ``burden.level``; 0 takes the level as
        it is.
    laboratory : tuple of float
        Factors of recovery and of false positives.

    Returns
    -------
    ndarray of float64, shape (n, most + 1)
        NaN where nothing was sampled.

    Raises
    ------
    ParameterError
        If the assay measures a signal and so has no count.

    Examples
    --------
    >>> from marrowtrace.assays import Burden, assay
    >>> law = pmf(assay("cellsearch"), Burden.of([0.0]), most=1)  # false positives alone
    >>> law.round(4)
    array([[0.9608, 0.0384]])
    """
    if assay.readout == "signal":
        raise ParameterError(
            f"{assay.name} measures a signal and counts no cells, so it has no law of counts; "
            "ask for its detection_probability"
        )
    longest = _enough(assay, burden, burst_log_sd, laboratory) if most is None else most
    out = np.full((len(burden), longest + 1), np.nan)
    for row in range(len(burden)):
        if not math.isnan(burden.cells[row]):
            out[row] = _row(assay, burden.at(row), longest, burst_log_sd, laboratory, None)
    return out


def detection_probability(
    assay: Assay,
    burden: Burden,
    *,
    burst_log_sd: float = 0.0,
    laboratory: tuple[float, float] = (1.0, 1.0),
) -> Floats:
    """Probability of a positive result by the assay's own rule.

    Parameters
    ----------
    assay, burden, burst_log_sd, laboratory
        As for `pmf`; the assay may also measure a signal, whose probability is then the middle of
        an interval that holds it (`marrowtrace.assays.signal_law`).

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where nothing was sampled.

    Examples
    --------
    >>> from marrowtrace.assays import Burden, assay
    >>> one = detection_probability(assay("a45-b-b3"), Burden.of([1e5, 1e6]))
    >>> one.round(2)
    array([0.28, 0.89])
    """
    if assay.readout == "signal":
        from marrowtrace.assays.signal_law import bounds

        low, high = bounds(assay, burden, burst_log_sd=burst_log_sd, laboratory=laboratory)
        return 0.5 * (low + high)
    threshold = int(assay["threshold"])
    out = np.full(len(burden), np.nan)
    for row in range(len(burden)):
        if math.isnan(burden.cells[row]):
            continue
        one = burden.at(row)
        any_side = threshold if assay.rule == "any" else None
        law = _row(assay, one, threshold - 1, burst_log_sd, laboratory, any_side)
        missed = law[0] if any_side else law.sum()
        out[row] = min(1.0, max(0.0, 1.0 - float(missed)))
    return out


def nodes(log_sd: float) -> tuple[Floats, Floats]:
    """Return values and weights of a log-normal factor of mean 1, by Gauss-Hermite quadrature."""
    if log_sd == 0:
        return np.ones(1), np.ones(1)
    x, weight = np.polynomial.hermite_e.hermegauss(FEW_NODES if log_sd <= _NARROW else NODES)
    return np.exp(log_sd * x - 0.5 * log_sd**2), weight / weight.sum()


def side_law(
    assay: Assay,
    burden: Burden,
    level: Floats,
    recovery: Floats,
    most: int,
) -> Floats:
    """Tumour cells counted on one side of a patient, without false positives.

    Parameters
    ----------
    assay : Assay
    burden : Burden
        Of one patient.
    level, recovery : ndarray of float64, shape (q,)
        Cases of the level of the blood and of the recovery.
    most : int

    Returns
    -------
    ndarray of float64, shape (q, most + 1)
    """
    shares = np.asarray(burden.phenotype[0])
    shares = np.asarray(assay.reference) if np.isnan(shares).any() else shares
    markers = np.asarray(assay.markers)
    marked = float(shares @ markers)
    cells, clusters = float(burden.cells[0]), float(burden.clusters[0])
    lysed = assay.readout == "signal"
    shown = cluster_law(assay, marked, most, whole=assay.clusters == "one" and not lysed)
    per_cluster = assay["cluster_recovery"] if assay.clusters != "lost" else 0.0
    if burden.known:
        return _known(assay, cells * shares, markers, clusters * (per_cluster > 0), per_cluster,
                      shown, recovery, most)  # fmt: skip
    single, grouped = cells * marked, clusters * per_cluster
    rate = level * recovery * assay.sampled_share * (single + grouped)
    severity = np.zeros(most + 1)
    if single + grouped > 0:
        severity += grouped / (single + grouped) * shown
        if most >= 1:
            severity[1] += single / (single + grouped)
    return compound(rate, severity, assay["site_shape"], most)


def cluster_law(assay: Assay, marked: float, most: int, *, whole: bool) -> Floats:
    """Cells that a recovered cluster shows: 0 to ``most``; what is above is left out."""
    further = assay["cluster_size"] - 2.0
    blind = (1 - marked) ** 2 * math.exp(-further * marked)
    law = np.zeros(most + 1)
    law[0] = blind
    if whole:
        if most >= 1:
            law[1] = 1 - blind
        return law
    two = np.array([(1 - marked) ** 2, 2 * marked * (1 - marked), marked**2])
    others = events(np.array([further * marked]), math.inf, most)[0]
    found: Floats = np.convolve(two, others)[: most + 1]
    return found


def compound(rate: Floats, severity: Floats, shape: float, most: int) -> Floats:
    """Law of a sum over events, Poisson or (finite ``shape``) negative binomial in number.

    Parameters
    ----------
    rate : ndarray of float64, shape (q,)
        Mean number of events.
    severity : ndarray of float64, shape (most + 1,)
        Probability that an event shows 0, 1, ... cells; what lacks to 1 shows more than ``most``.
    shape : float
        Gamma shape of the rate; infinity for none.
    most : int

    Returns
    -------
    ndarray of float64, shape (q, most + 1)
    """
    shown = np.asarray(rate, np.float64) * (1.0 - severity[0])
    part = severity / (1.0 - severity[0]) if severity[0] < 1 else np.zeros_like(severity)
    if most < 1 or (not np.any(part[2:]) and part[1] > 1 - 1e-12):
        return events(shown, shape, most)
    halvings = max(0, math.ceil(math.log2(max(float(shown.max()), 1e-9) / _SMALL_RATE)))
    law = _panjer(shown / 2**halvings, part, shape / 2**halvings, most)
    for _ in range(halvings):  # the laws are infinitely divisible
        law = convolve(law, law)
    return law


def events(mean: Floats, shape: float, most: int) -> Floats:
    """Poisson, or (finite ``shape``) negative binomial probabilities of 0 to ``most``.

    Parameters
    ----------
    mean : ndarray of float64, shape (q,)
    shape : float
    most : int

    Returns
    -------
    ndarray of float64, shape (q, most + 1)
    """
    k = np.arange(most + 1.0)
    m = np.asarray(mean, np.float64)[:, None]
    if math.isinf(shape):
        log_law = special.xlogy(k, m) - m - special.gammaln(k + 1)
    else:
        ways = special.gammaln(shape + k) - math.lgamma(shape) - special.gammaln(k + 1)
        log_law = ways - (shape + k) * np.log1p(m / shape) + special.xlogy(k, m / shape)
    law: Floats = np.exp(log_law)
    return law


def _panjer(rate: Floats, part: Floats, shape: float, most: int) -> Floats:
    law = np.zeros((rate.size, most + 1))
    if math.isinf(shape):
        a, b = np.zeros_like(rate), rate
        law[:, 0] = np.exp(-rate)
    else:
        a = rate / (shape + rate)
        b = (shape - 1.0) * a
        law[:, 0] = np.exp(-shape * np.log1p(rate / shape))
    last = int(np.flatnonzero(part).max(initial=0))
    k = np.arange(1, most + 1)
    for n in range(1, most + 1):
        upto = min(n, last)
        if upto < 1:
            break
        before = law[:, n - upto : n][:, ::-1]
        law[:, n] = a * (before @ part[1 : upto + 1])
        law[:, n] += b / n * (before @ (k[:upto] * part[1 : upto + 1]))
    return law


def convolve(one: Floats, other: Floats) -> Floats:
    """Return the law of a sum, row by row, as far as both go."""
    length = one.shape[1]
    out = np.zeros_like(one)
    if length <= 64:
        for k in range(length):
            out[:, k:] += other[:, k : k + 1] * one[:, : length - k]
        return out
    for row in range(one.shape[0]):
        if length <= _DIRECT:
            out[row] = np.convolve(one[row], other[row])[:length]
        else:
            whole = signal.fftconvolve(one[row], other[row])[:length]
            out[row] = np.maximum(0.0, whole)
    return out


def _known(
    assay: Assay,
    cells: Floats,
    markers: Floats,
    clusters: float,
    per_cluster: float,
    shown: Floats,
    recovery: Floats,
    most: int,
) -> Floats:
    """Poisson-binomial law of known numbers of cells, over the local density."""
    density, weight = np.ones(1), np.ones(1)
    shape = assay["site_shape"]
    if not math.isinf(shape):
        density, weight = special.roots_genlaguerre(NODES, shape - 1.0)
        density, weight = density / shape, weight / weight.sum()
    k = np.arange(most + 1)
    out = np.zeros((recovery.size, most + 1))
    for q, kept in enumerate(recovery):
        for g, w in zip(density, weight, strict=True):
            share = min(1.0, assay.sampled_share * g) * kept
            law = np.zeros((1, most + 1))
            law[0, 0] = 1.0
            for n, marker in zip(np.round(cells), markers, strict=True):
                law = convolve(law, stats.binom.pmf(k, n, share * marker)[None, :])
            event = share * per_cluster * shown
            event[0] += 1.0 - share * per_cluster
            for _ in range(round(clusters)):
                law = convolve(law, event[None, :])
            out[q] += w * law[0]
    return out


def _row(
    assay: Assay,
    burden: Burden,
    most: int,
    burst_log_sd: float,
    laboratory: tuple[float, float],
    any_side: int | None,
) -> Floats:
    """Law of the count of one patient; with ``any_side``, the chance that no side reaches it."""
    reader, reader_weight = nodes(assay["reader_log_sd"])
    level, level_weight = nodes(burst_log_sd)
    if burst_log_sd == 0:
        level = burden.level if not burden.known else np.ones(1)
    readers, levels = (grid.ravel() for grid in np.meshgrid(reader, level, indexing="ij"))
    weight = np.outer(reader_weight, level_weight).ravel()
    recovery = np.minimum(1.0, assay["recovery"] * laboratory[0] * readers)
    sequenced = assay.readout == "sequencing"
    longest = max(most, int(assay["cells_at_most"])) if sequenced else most
    law = side_law(assay, burden, levels, recovery, longest)
    false = assay["false_positives"] * assay["amount"] * laboratory[1] * readers
    law = convolve(law, events(false, math.inf, longest))
    if sequenced:
        law = _sequenced(law, int(assay["cells_at_most"]), assay["success"])[:, : most + 1]
    if any_side is not None:
        missed = law[:, :any_side].sum(axis=1) ** assay["sides"]
        return np.array([float(weight @ missed)])
    total = law
    for _ in range(int(assay["sides"]) - 1):
        total = convolve(total, law)
    mixed: Floats = weight @ total
    return mixed


def _sequenced(law: Floats, at_most: int, success: float) -> Floats:
    """Cells whose genome was read, of those that could be picked."""
    picked = np.zeros((law.shape[0], at_most + 1))
    picked[:, :at_most] = law[:, :at_most]
    picked[:, at_most] = 1.0 - law[:, :at_most].sum(axis=1)
    n = np.arange(at_most + 1)
    read = stats.binom.pmf(n[None, :], n[:, None], success)
    out = np.zeros_like(law)
    out[:, : at_most + 1] = (picked @ read)[:, : law.shape[1]]
    return out


def _enough(
    assay: Assay, burden: Burden, burst_log_sd: float, laboratory: tuple[float, float]
) -> int:
    """A count that is exceeded with probability below 1e-12."""
    if assay.readout == "sequencing":
        return int(assay["cells_at_most"] * assay["sides"])
    most = 16
    while most < _LONGEST:
        beyond = 0.0
        for row in np.flatnonzero(~np.isnan(burden.cells)):
            law = _row(assay, burden.at(int(row)), most, burst_log_sd, laboratory, None)
            beyond = max(beyond, 1.0 - float(law.sum()))
        if beyond < _TAIL * 10:
            return most
        most *= 2
    raise ParameterError(
        f"the counts of {assay.name} go beyond {_LONGEST}; give the largest count wanted (most)"
    )
