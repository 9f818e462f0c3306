"""The range in which a law holds, checked where a law is asked for from Python."""

from __future__ import annotations

import math

from marrowtrace.errors import ParameterError, ProblemList

Bound = tuple[str, float, float, float]
"""Name, value, smallest and largest allowed value, both included; NaN is never allowed."""


def check_domain(law: str, *bounds: Bound) -> None:
    """Refuse parameters outside their range, all at once.

    Parameters
    ----------
    law : str
        Name of the law, for the message.
    bounds : tuple
        ``(name, value, low, high)`` of each parameter.

    Raises
    ------
    ParameterError
        With every parameter that is outside its range.

    Examples
    --------
    >>> check_domain("the birth-death law", ("birth", -1.0, 0.0, math.inf))
    Traceback (most recent call last):
    ...
    marrowtrace.errors.ParameterError: 1 problem in the birth-death law:
      birth: is -1.0; allowed: 0 and above
    """
    problems = ProblemList()
    for name, value, low, high in bounds:
        if not low <= value <= high:
            upper = "and above" if high == math.inf else f"to {high:g}"
            problems.add(name, f"is {value!r}; allowed: {low:g} {upper}")
    problems.raise_any(ParameterError, law)
