"""The laws of the disease, one to a file: an exact sampler with its moments, pmf or cdf beside it.

Samplers are compiled by Numba and take the state of a random stream first
(`marrowtrace.streams`); they check nothing, so that a kernel may call them a million times a
second. The laws in Python check what they are given. Times are in days, rates in 1/day, sizes in
cells; an argument called ``log_...`` is a natural logarithm.
"""

from __future__ import annotations
