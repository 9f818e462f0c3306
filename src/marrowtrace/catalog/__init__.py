"""The catalogue: published parametrisations by cancer and stage, regimens, calibration targets.

>>> from marrowtrace.catalog import parameter_set
>>> print(parameter_set("early-breast")["ctc_half_life"].source)
measured: Meng 2004, abstract: '1 to 2.4 hours'; value = midpoint of the 1 to 2 hours that \
sai2018 section 5.2 prints
"""

from __future__ import annotations

from marrowtrace.catalog.calibrations import Calibration, calibration
from marrowtrace.catalog.comparison import Difference, diff
from marrowtrace.catalog.descriptions import (
    SUBTYPES,
    Description,
    description,
    models_and_aliases,
    names,
)
from marrowtrace.catalog.parameter_sets import parameter_set, topics
from marrowtrace.catalog.regimens import PlannedRegimen, Regimen, regimen, regimen_names
from marrowtrace.catalog.targets import Target, target_names, targets

__all__ = [
    "SUBTYPES",
    "Calibration",
    "Description",
    "Difference",
    "PlannedRegimen",
    "Regimen",
    "Target",
    "calibration",
    "description",
    "diff",
    "models_and_aliases",
    "names",
    "parameter_set",
    "regimen",
    "regimen_names",
    "target_names",
    "targets",
    "topics",
]
