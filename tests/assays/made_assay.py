"""An assay with round numbers, for tests."""

from __future__ import annotations

from marrowtrace.assays import Assay
from marrowtrace.parameters import Parameter, ParameterSet, Source
from marrowtrace.units import Unit

_SOURCE = Source(kind="assumed", where="made for a test")


def number(symbol: str, value: float, unit: str = "-") -> Parameter:
    return Parameter(symbol=symbol, value=value, low=min(0.0, value), high=1e15,
                     unit=Unit.parse(unit), meaning="made for a test", source=_SOURCE)  # fmt: skip


def made(
    specimen: str = "blood",
    *,
    readout: str = "count",
    markers: tuple[float, float, float] = (0.9, 0.5, 0.1),
    recovery: float = 0.8,
    compartment: float | None = None,
    sides: int = 1,
    site_shape: float | None = None,
    reader_log_sd: float = 0.0,
    threshold: int = 1,
) -> Assay:
    """Amount 10 mL or 1e6 cells, false positives 0.4 of a side, clusters of 5 half recovered."""
    blood = specimen == "blood"
    unit = "mL" if blood else "cells"
    size = compartment or (5000.0 if blood else 3e11)
    numbers = [
        number("amount", 10.0 if blood else 1e6, unit),
        number("compartment", size, unit),
        number("sides", sides),
        number("recovery", recovery),
        *(
            number(f"marker_{name}", value)
            for name, value in zip(("epithelial", "hybrid", "mesenchymal"), markers, strict=True)
        ),
        number("reference_epithelial", 0.4),
        number("reference_hybrid", 0.3),
        number("reader_log_sd", reader_log_sd),
        number("cluster_recovery", 0.5),
        number("cluster_size", 5.0, "cells"),
    ]
    if site_shape is not None:
        numbers.append(number("site_shape", site_shape))
    if readout == "signal":
        given = {"signal_median": 1.0, "signal_log_sd": 1.0, "background_median": 0.3,
                 "background_log_sd": 0.85, "cut_off": 1.5}  # fmt: skip
        numbers += [number(name, value) for name, value in given.items()]
    else:
        numbers.append(number("false_positives", 0.04 if blood else 4e-7,
                              "cells/mL" if blood else "cells/cells"))  # fmt: skip
        numbers.append(number("threshold", threshold, "cells"))
    if readout == "sequencing":
        numbers += [number("cells_at_most", 6, "cells"), number("success", 0.5)]
    return Assay(
        name="made",
        title="Made",
        specimen=specimen,
        cell_class="CTC" if blood else "DTC",
        readout=readout,
        numbers=ParameterSet(numbers),
    )
