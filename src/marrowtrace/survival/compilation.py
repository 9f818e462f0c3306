"""Compiling kernels with Numba, typed: on plain arrays, cached on disk, without the interpreter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Compile a kernel on first use; the result is kept on disk."""
    options: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
    result: _Function = njit(**options)(function)
    return result


def compiled_parallel(function: _Function) -> _Function:
    """Compile a kernel whose ``prange`` loops run on all threads of Numba."""
    options: dict[str, Any] = {"cache": True, "nogil": True, "parallel": True}
    result: _Function = njit(error_model="numpy", **options)(function)
    return result
