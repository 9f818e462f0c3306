"""Random numbers keyed by (seed, process, patient), and exact draws from them inside Numba kernels.

A patient has the same life whatever the number of threads or chunks, two arms of one seed share
their randomness until their histories part, and adding a patient or a process changes nobody else.

In a kernel: one state array for each process, set by `init` for each patient. In Python: `stream`
for a state, `generator` for a `numpy.random.Generator`. A function that draws and makes no arrays
is best compiled with `kernel`, as the draws themselves are.

The bits are Philox4x32-10 (`marrowtrace.streams.philox`); every law is drawn exactly, at means
from 1e-12 to 1e13, without a normal approximation (`marrowtrace.streams.counts`).

Examples
--------
>>> from marrowtrace.streams import stream, uniform
>>> one, again, other = (stream(seed=1, process=0, patient=p) for p in (7, 7, 8))
>>> first = uniform(one)
>>> first == uniform(again), first == uniform(other)
(True, False)
"""

from __future__ import annotations

from marrowtrace.streams.continuous import beta, exponential, gamma, log_gamma, normal
from marrowtrace.streams.counts import (
    bernoulli,
    binomial,
    geometric,
    multinomial,
    negative_binomial,
    poisson,
)
from marrowtrace.streams.keys import (
    LARGEST_PATIENT,
    LARGEST_PROCESS,
    LARGEST_SEED,
    generator,
    stream,
)
from marrowtrace.streams.philox import STATE_WORDS, fine_uniform, init, kernel, next_word, uniform
from marrowtrace.streams.saddlepoint import binomial_log_pmf, poisson_log_pmf

__all__ = [
    "LARGEST_PATIENT",
    "LARGEST_PROCESS",
    "LARGEST_SEED",
    "STATE_WORDS",
    "bernoulli",
    "beta",
    "binomial",
    "binomial_log_pmf",
    "exponential",
    "fine_uniform",
    "gamma",
    "generator",
    "geometric",
    "init",
    "kernel",
    "log_gamma",
    "multinomial",
    "negative_binomial",
    "next_word",
    "normal",
    "poisson",
    "poisson_log_pmf",
    "stream",
    "uniform",
]
