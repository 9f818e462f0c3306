"""One method of finding tumour cells, with every number that decides what it sees.

A cell that is in the sample is counted with probability ``recovery`` x marker, the share of cells
of its phenotype that carry what the method looks for. Cells that undergo the epithelial-mesenchymal
transition lose EpCAM far more than cytokeratin, so methods differ most in what they see of them.

Each number is a `Parameter` with its range and source. An assay is never changed: `with_values`,
`with_amount` and `with_catalogue` return another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from marrowtrace.errors import ParameterError, ProblemList, UnitError, did_you_mean
from marrowtrace.parameters import Parameter, ParameterSet, Source
from marrowtrace.units import Unit

SPECIMENS = ("blood", "bone_marrow")
CELL_CLASSES = ("CTC", "DTC")
READOUTS = ("count", "signal", "sequencing")
CLUSTERS = ("one", "cells", "lost")
RULES = ("sum", "any")
MARKERS = ("marker_epithelial", "marker_hybrid", "marker_mesenchymal")

SYMBOLS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ctc_detection_probability": ("blood", "detection"),
        "ctc_false_positives": ("blood", "false_positives"),
        "blood_volume": ("blood", "compartment"),
        "dtc_detection_probability": ("bone_marrow", "detection"),
        "dtc_false_positives": ("bone_marrow", "false_positives"),
        "marrow_cells_screened": ("bone_marrow", "amount"),
        "marrow_mononuclear_cells": ("bone_marrow", "compartment"),
        "marrow_site_shape": ("bone_marrow", "site_shape"),
    }
)
"""Symbol of the catalogue to the specimen it speaks of and the number of an assay it sets."""

OF_THE_PATIENT = ("compartment", "site_shape")
"""Numbers that describe the patient, so that every assay of the specimen takes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a number of an assay may be."""

    meaning: str
    low: float = 0.0
    high: float = math.inf
    above: bool = False  # the lower bound itself is not allowed
    whole: bool = False
    readouts: tuple[str, ...] = READOUTS
    default: float | None = None  # None: required


_COUNTED = ("count", "sequencing")
_SIGNAL = ("signal",)
_SEQUENCED = ("sequencing",)
NUMBERS: Mapping[str, Field] = MappingProxyType(
    {
        "amount": Field(meaning="examined of each side: mL, or mononuclear cells", above=True),
        "compartment": Field(meaning="size of the whole compartment, same unit", above=True),
        "sides": Field(meaning="aspirates, or tubes of one draw", low=1, whole=True,
                       high=20, default=1),
        "recovery": Field(meaning="share of cells that survive preparation", high=1, above=True),
        "marker_epithelial": Field(meaning="share of epithelial cells seen", high=1),
        "marker_hybrid": Field(meaning="share of hybrid cells seen", high=1),
        "marker_mesenchymal": Field(meaning="share of mesenchymal cells seen", high=1),
        "reference_epithelial": Field(meaning="epithelial share of the reference mixture", high=1),
        "reference_hybrid": Field(meaning="hybrid share of the reference mixture", high=1),
        "false_positives": Field(meaning="false cells per amount", readouts=_COUNTED),
        "threshold": Field(meaning="cells that make a patient positive", low=1, whole=True,
                           readouts=_COUNTED),
        "site_shape": Field(meaning="gamma shape of the local density between aspirates",
                            above=True, default=math.inf),
        "reader_log_sd": Field(meaning="log-sd between readings: of the share called, or of the "
                               "measured signal", high=3, default=0.0),
        "cluster_recovery": Field(meaning="recovery of a cluster relative to a cell", high=1,
                                  default=1.0),
        "cluster_size": Field(meaning="mean cells in a cluster", low=2, high=1000, default=5.0),
        "signal_median": Field(meaning="median signal of one cell", above=True, readouts=_SIGNAL),
        "signal_log_sd": Field(meaning="log-sd of the signal of one cell", high=5,
                               readouts=_SIGNAL),
        "background_median": Field(meaning="median signal of a sample without tumour cells",
                                   above=True, readouts=_SIGNAL),
        "background_log_sd": Field(meaning="log-sd of that background", high=5, readouts=_SIGNAL),
        "cut_off": Field(meaning="signal from which a sample is positive", above=True,
                         readouts=_SIGNAL),
        "cells_at_most": Field(meaning="cells picked at most", low=1, whole=True,
                               readouts=_SEQUENCED),
        "success": Field(meaning="share of picked cells whose genome is read", high=1,
                         readouts=_SEQUENCED),
    }
)  # fmt: skip
"""Every number of an assay; one without a default is required for the readouts it names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assay:
    """A method of finding tumour cells in blood or marrow.

    Parameters
    ----------
    name : str
        Names the assay in protocols and in the cohort; its random numbers are keyed by it.
    title : str
    specimen : {"blood", "bone_marrow"}
    cell_class : {"CTC", "DTC"}
    readout : {"count", "signal", "sequencing"}
        ``count``: cells are counted. ``signal``: only the sum of a signal (mRNA) is measured, so
        there is a result but no count. ``sequencing``: the count is of cells whose genome was read.
    clusters : {"one", "cells", "lost"}
        How a cluster is counted: as one event, by its cells, or not at all.
    rule : {"sum", "any"}
        With several sides: the threshold is for their sum, or for any one of them.
    calibrated : bool
        The catalogue's calibrated detection and false positives are those of this assay.
    notes : str
    numbers : ParameterSet
        As `NUMBERS` says; `Parameter` for each, with range and source.

    Raises
    ------
    ParameterError
        Listing every problem.
    """

    name: str
    title: str
    specimen: str
    cell_class: str
    numbers: ParameterSet
    readout: str = "count"
    clusters: str = "one"
    rule: str = "sum"
    calibrated: bool = False
    notes: str = ""

    def __post_init__(self) -> None:
        problems = ProblemList()
        if not self.name.strip():
            problems.add("name", "is empty; give the assay a short name, e.g. 'my-icc'")
        choices = {
            "specimen": SPECIMENS,
            "cell_class": CELL_CLASSES,
            "readout": READOUTS,
            "clusters": CLUSTERS,
            "rule": RULES,
        }
        for field, allowed in choices.items():
            value = getattr(self, field)
            if value not in allowed:
                hint = did_you_mean(str(value), allowed)
                problems.add(field, f"is '{value}'; allowed: {', '.join(allowed)}{hint}")
        if not len(problems):
            _check_numbers(self, problems)
        problems.raise_any(ParameterError, f"the assay '{self.name}'")

    def __getitem__(self, number: str) -> float:
        """Return one number in canonical units (mL, cells), or its default."""
        if number in self.numbers:
            return self.numbers[number].canonical
        default = NUMBERS[number].default
        return math.nan if default is None else default

    @property
    def examined_unit(self) -> str:
        """Unit of the amount in the cohort's tables."""
        return "mL" if self.specimen == "blood" else "nucleated_cells"

    @property
    def examined(self) -> float:
        """Amount examined of all sides together [mL or mononuclear cells]."""
        return self["amount"] * self["sides"]

    @property
    def sampled_share(self) -> float:
        """Share of the compartment that one side holds."""
        return self["amount"] / self["compartment"]

    @property
    def markers(self) -> tuple[float, float, float]:
        """Share of cells seen, by phenotype: epithelial, hybrid, mesenchymal."""
        return self[MARKERS[0]], self[MARKERS[1]], self[MARKERS[2]]

    @property
    def reference(self) -> tuple[float, float, float]:
        """The mixture of phenotypes for which `average_detection` holds."""
        epithelial, hybrid = self["reference_epithelial"], self["reference_hybrid"]
        return epithelial, hybrid, max(0.0, 1.0 - epithelial - hybrid)

    @property
    def average_detection(self) -> float:
        """Probability that a cell in the sample is counted, over the reference mixture."""
        return self["recovery"] * _average(self.markers, self.reference)

    def citations(self) -> list[str]:
        """Return the keys of the papers that the numbers come from, sorted."""
        return self.numbers.citations()

    def with_values(self, values: Mapping[str, float | str | Parameter]) -> Assay:
        """Return the assay with other numbers.

        Parameters
        ----------
        values : mapping of str to float, str or Parameter
            By the names in `NUMBERS`, by ``detection`` (the average over the reference mixture;
            the markers move together on the logit scale, and the recovery is raised only where
            that is not enough), or by a symbol of the catalogue (`SYMBOLS`). A text may have a
            unit; a parameter brings its own unit and source.

        Raises
        ------
        ParameterError
            Listing every name that is unknown and every value that cannot be.

        Examples
        --------
        >>> from marrowtrace.assays import assay
        >>> large = assay("cellsearch").with_values({"amount": "23 mL"})
        >>> large.examined
        23.0
        >>> changed = assay("cellsearch").with_values({"ctc_detection_probability": 0.3})
        >>> round(changed.average_detection, 12)
        0.3
        """
        problems = ProblemList()
        numbers = dict(self.numbers)
        wanted: float | str | Parameter | None = None
        for given, value in values.items():
            specimen, number = SYMBOLS.get(given, (self.specimen, given))
            if specimen != self.specimen:
                problems.add(given, f"is of {specimen}, but {self.name} examines {self.specimen}")
            elif number == "detection":
                wanted = value
            elif number not in NUMBERS:
                known = [*NUMBERS, "detection", *SYMBOLS]
                problems.add(given, f"is no number of an assay{did_you_mean(given, known)}")
            else:
                try:
                    numbers[number] = _changed(number, numbers.get(number), value)
                except (ParameterError, UnitError) as err:
                    problems.add(given, str(err))
        if wanted is not None:
            try:
                numbers.update(_moved_markers(self, numbers, wanted))
            except ParameterError as err:
                problems.add("detection", str(err))
        problems.raise_any(ParameterError, f"the values for {self.name}")
        return replace(self, numbers=ParameterSet(list(numbers.values())))

    def with_amount(
        self, amount: float | str, *, sides: int | None = None, name: str | None = None
    ) -> Assay:
        """Return the assay with another amount of each side, and perhaps more sides.

        Parameters
        ----------
        amount : float or str
            In the assay's unit, or with one, e.g. ``"23 mL"``.
        sides : int, optional
        name : str, optional
            Another name, and with it other random numbers: needed where both are drawn at one
            visit.
        """
        values: dict[str, float | str | Parameter] = {"amount": amount}
        if sides is not None:
            values["sides"] = float(sides)
        return replace(self.with_values(values), name=name or self.name)

    def with_catalogue(self, parameters: Mapping[str, Parameter]) -> Assay:
        """Return the assay with what a parameter set of the catalogue says of it.

        Sizes of compartments and the scatter between aspirates are the patient's, so every assay
        of the specimen takes them; detection, false positives and cells screened only an assay
        that is ``calibrated``. An amount that differs from the set's on purpose (23 mL) stays.
        """
        values: dict[str, float | str | Parameter] = {}
        for symbol, (specimen, number) in SYMBOLS.items():
            fits = specimen == self.specimen and (self.calibrated or number in OF_THE_PATIENT)
            if fits and symbol in parameters:
                values[symbol] = parameters[symbol]
        return self.with_values(values)

    def averaged(self) -> Assay:
        """Return the assay as if it saw all phenotypes alike, with the same average detection.

        The first calibration of the catalogue saw in this way.
        """
        mean = _average(self.markers, self.reference)
        where = "average of the markers over the reference mixture"
        source = Source(kind="assumed", where=where)
        alike = {m: replace(self.numbers[m], value=mean, low=0, high=1, source=source)
                 for m in MARKERS}  # fmt: skip
        return replace(self, numbers=ParameterSet(list((dict(self.numbers) | alike).values())))


def _average(markers: tuple[float, ...], reference: tuple[float, ...]) -> float:
    return sum(m * share for m, share in zip(markers, reference, strict=True))


def _check_numbers(assay: Assay, problems: ProblemList) -> None:
    """Add what is missing, unknown or outside its bounds."""
    for number, field in NUMBERS.items():
        if number not in assay.numbers:
            if field.default is None and assay.readout in field.readouts:
                problems.add(number, f"is missing: {field.meaning}")
            continue
        if assay.readout not in field.readouts:
            wanted = " or ".join(field.readouts)
            problems.add(number, f"is of no use to a readout '{assay.readout}'; only to {wanted}")
        parameter = assay.numbers[number]
        value = parameter.canonical
        below = value <= field.low if field.above else value < field.low
        if below or value > field.high:
            problems.add(number, f"is {value:g}; allowed: {_bounds(field)}")
        elif field.whole and value != round(value):
            problems.add(number, f"is {value:g}; allowed: whole numbers {_bounds(field)}")
        wanted_unit = _unit_of(assay, number)
        if parameter.unit.dimension != wanted_unit.dimension:
            problems.add(
                number,
                f"has the unit '{parameter.unit}', which measures "
                f"{parameter.unit.dimension_name}; give it in '{wanted_unit}'",
            )
    for number in assay.numbers:
        if number not in NUMBERS:
            hint = did_you_mean(number, list(NUMBERS))
            problems.add(number, f"is no number of an assay{hint}")
    if not len(problems):
        if assay["amount"] > assay["compartment"]:
            problems.add("amount", "is more than the whole compartment holds; check its unit")
        if assay["reference_epithelial"] + assay["reference_hybrid"] > 1 + 1e-9:
            problems.add("reference_hybrid", "makes the reference mixture exceed 1")
        if not math.isinf(assay["site_shape"]) and assay.specimen == "blood":
            problems.add("site_shape", "is of aspirates; blood is mixed, so leave it out")


def _unit_of(assay: Assay, number: str) -> Unit:
    """The unit a number is wanted in."""
    amount = Unit.ML if assay.specimen == "blood" else Unit.CELL
    if number in {"amount", "compartment"}:
        return amount
    if number == "false_positives":
        return Unit.CELLS_PER_ML if assay.specimen == "blood" else Unit.parse("cells/cells")
    return Unit.CELL if number in {"cells_at_most", "threshold", "cluster_size"} else Unit.NONE


def _bounds(field: Field) -> str:
    low = f"above {field.low:g}" if field.above else f"from {field.low:g}"
    return low if math.isinf(field.high) else f"{low} to {field.high:g}"


def _changed(number: str, old: Parameter | None, value: float | str | Parameter) -> Parameter:
    """The number with another value."""
    if isinstance(value, Parameter):
        meaning = old.meaning if old else NUMBERS[number].meaning
        return replace(value, symbol=number, meaning=meaning)
    if old is None:
        raise ParameterError("is not a number of this assay; give it in an assay file")
    return old.with_value(value)


def _moved_markers(
    assay: Assay, numbers: Mapping[str, Parameter], wanted: float | str | Parameter
) -> dict[str, Parameter]:
    """Markers, and the recovery if need be, for a wanted average detection.

    The odds of each marker are multiplied by one factor, found by bisection.
    """
    target = wanted.canonical if isinstance(wanted, Parameter) else float(wanted)
    if not 0.0 < target <= 1.0:
        raise ParameterError(f"is {target:g}; a probability above 0 to 1 is wanted")
    recovery = max(numbers["recovery"].canonical, target)
    markers = tuple(numbers[m].canonical for m in MARKERS)
    reference = assay.reference
    average = target / recovery

    def moved(shift: float) -> tuple[float, ...]:
        odds = math.exp(shift)
        return tuple(m * odds / (1 - m + m * odds) for m in markers)

    low, high = -60.0, 60.0
    if _average(moved(high), reference) < average - 1e-9:
        raise ParameterError(
            f"is {target:g}, more than the reference mixture allows: a phenotype has a marker of 0"
        )
    for _ in range(200):
        middle = 0.5 * (low + high)
        if _average(moved(middle), reference) < average:
            low = middle
        else:
            high = middle
    if average >= 1.0:
        found: tuple[float, ...] = (1.0, 1.0, 1.0)
    else:
        found = moved(0.5 * (low + high))
    origin = f"{wanted.symbol}; {wanted.source}" if isinstance(wanted, Parameter) else "by the user"
    source = Source(
        kind=wanted.source.kind if isinstance(wanted, Parameter) else "assumed",
        where=f"odds of the markers moved together for an average detection of {target:g} "
        f"({origin})",
        citation=wanted.source.citation if isinstance(wanted, Parameter) else None,
    )
    changed = {
        name: replace(numbers[name], value=value, low=0.0, high=1.0, source=source)
        for name, value in zip(MARKERS, found, strict=True)
    }
    if recovery > numbers["recovery"].canonical:
        changed["recovery"] = replace(
            numbers["recovery"], value=recovery, high=1.0, unit=Unit.NONE, source=source
        )
    return changed
