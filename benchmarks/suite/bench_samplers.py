"""Draws from the random streams: time of 100,000."""

from __future__ import annotations

import numpy as np
from numba import njit

from marrowtrace.processes import birth_death
from marrowtrace.streams import binomial, exponential, negative_binomial, poisson, stream

SEED = 42
DRAWS = 100_000


def filler(sampler, arguments: int):
    """A compiled loop over ``sampler``."""
    if arguments == 0:

        @njit
        def fill(rng, out):
            for i in range(out.size):
                out[i] = sampler(rng)
    elif arguments == 1:

        @njit
        def fill(rng, out, a):
            for i in range(out.size):
                out[i] = sampler(rng, a)
    elif arguments == 2:

        @njit
        def fill(rng, out, a, b):
            for i in range(out.size):
                out[i] = sampler(rng, a, b)
    else:

        @njit
        def fill(rng, out, a, b, c, d):
            for i in range(out.size):
                out[i] = sampler(rng, a, b, c, d)

    return fill


class Sampler:
    """Compiles once; what is timed are the draws."""

    timeout = 120
    arguments = 1
    sampler = None

    def setup(self, *values):
        self.fill = filler(type(self).sampler, self.arguments)
        self.rng, self.out = stream(SEED, 0, 0), np.empty(DRAWS)
        self.fill(self.rng, self.out, *self.given(*values))

    def given(self, *values):
        return values


class Exponential(Sampler):
    arguments, sampler = 0, staticmethod(exponential)

    def time_draws(self):
        self.fill(self.rng, self.out)


class Poisson(Sampler):
    sampler = staticmethod(poisson)
    params, param_names = [1e-6, 0.4, 30.0, 1e9], ["mean"]

    def time_draws(self, mean):
        self.fill(self.rng, self.out, mean)


class Binomial(Sampler):
    arguments, sampler = 2, staticmethod(binomial)
    params, param_names = [10.0, 1e4, 1e9], ["trials"]

    def given(self, trials):
        return trials, 0.3

    def time_draws(self, trials):
        self.fill(self.rng, self.out, trials, 0.3)


class NegativeBinomial(Sampler):
    arguments, sampler = 2, staticmethod(negative_binomial)
    params, param_names = [0.01, 1.0, 1e9], ["size"]

    def given(self, size):
        return size, 20.0

    def time_draws(self, size):
        self.fill(self.rng, self.out, size, 20.0)


class CloneGrowth(Sampler):
    """One step of a birth-death process: the time must not depend on the cells."""

    arguments, sampler = 4, staticmethod(birth_death.draw_size)
    params, param_names = [1.0, 1e3, 1e6, 1e9, 1e12], ["cells"]

    def given(self, cells):
        return cells, 0.05, 0.03, 5.0

    def time_draws(self, cells):
        self.fill(self.rng, self.out, cells, 0.05, 0.03, 5.0)
