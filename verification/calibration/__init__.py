"""The fit of early-breast and its rival to published figures, and what it can and cannot say.

``python -m verification.calibration fit early-breast`` fits and writes a calibration,
``python -m verification.calibration page`` simulates fresh patients of both structures and writes
``docs/calibration.md``.
"""

from __future__ import annotations
