"""Therapies as named windows: who gets them, when, in which cycles, and what they act on.

A number of a regimen is either a symbol of the parameter set (so that a study overrides it in one
place), the complement ``"1 - symbol"`` of one, or a parameter of the regimen's own with its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Any

from marrowtrace.catalog.files import read, unknown
from marrowtrace.errors import CatalogError, ProblemList, did_you_mean
from marrowtrace.parameters import Parameter, ParameterSet, read_parameters
from marrowtrace.units import Unit

MULTIPLYING = (
    "marrow_awakening", "visceral_awakening", "establishment", "escape", "homing_cxcr4",
    "homing_sdf1", "homing_e_selectin", "homing_vla4", "homing_fak", "homing_integrins",
    "homing_annexin2", "homing_stroma", "egress", "norepinephrine", "tsp1", "tgfb2", "gas6_axl",
    "osteoclast_tgfb", "platelet_coat", "nk", "effector", "lesion_growth", "shedding",
    "haematopoietic_occupancy",
)  # fmt: skip
"""Effects that multiply a rate or level; 1 is none."""
ADDING = (
    "marrow_loss", "visceral_loss", "restricted_elimination", "lesion_kill", "sprouting",
    "osteoclast", "suppressor",
)  # fmt: skip
"""Effects that are added to a rate or level; 0 is none."""
PER_CYCLE = ("log_kill", "dormant_kill", "restricted_kill", "mobilised_kill")
ONCE = ("marrow_log_kill", "local_log_kill", "graft_cells")
RESISTANCE = ("resistant_fraction", "resistance_rate")
EFFECTS = (*MULTIPLYING, *ADDING, *PER_CYCLE, *ONCE, *RESISTANCE)
TIMING = ("start", "duration", "cycles", "cycle_length", "stopping_rate", "uptake")
RULE = ("day", "threshold", "delay")
ACTS_ON = ("all", "er_positive", "her2_positive")
ELIGIBILITY = (
    "all", "guideline", "er_positive", "er_negative", "her2_positive", "node_positive",
)  # fmt: skip
SETTINGS = ("neoadjuvant", "adjuvant", "secondary adjuvant", "metastatic")
SPECIMENS = ("bone_marrow", "blood")
_COMPLEMENT = "1 - "
_FIELDS = (
    "title", "agents", "cancers", "setting", "acts_on", "eligibility", "dose", "notes", "timing",
    "effects", "rule", "rule_specimen",
)  # fmt: skip
_REQUIRED = ("title", "agents", "cancers", "setting", "acts_on", "eligibility", "timing", "effects")


@dataclass(frozen=True, slots=True, kw_only=True)
class Regimen:
    """One therapy of the catalogue.

    Parameters
    ----------
    name, title : str
    agents, cancers : tuple of str
        Agents given, and cancers it is meant for.
    setting : {"neoadjuvant", "adjuvant", "secondary adjuvant", "metastatic"}
    acts_on : {"all", "er_positive", "her2_positive"}
        Which cells its effects on awakening, loss, establishment and growth reach.
    eligibility : {"all", "guideline", "er_positive", "er_negative", "her2_positive", ...}
        Which patients may get it.
    timing : mapping of str to str or Parameter
        Of ``start``, ``duration``, ``cycles``, ``cycle_length``, ``stopping_rate``, ``uptake``:
        a symbol of the parameter set, or a number of the regimen's own. Times count from surgery
        (neoadjuvant: from diagnosis); without a duration or cycles it lasts for ever.
    effects : mapping of str to str or Parameter
        Of `EFFECTS`, likewise.
    rule : mapping of str to str or Parameter
        ``day``, ``threshold`` and ``delay`` of the assay that decides; empty for none.
    rule_specimen : str
        What the assay examines: ``bone_marrow``, ``blood``, or empty.
    dose, notes : str
    """

    name: str
    title: str
    agents: tuple[str, ...]
    cancers: tuple[str, ...]
    setting: str
    acts_on: str
    eligibility: str
    timing: Mapping[str, str | Parameter]
    effects: Mapping[str, str | Parameter]
    rule: Mapping[str, str | Parameter] = field(default_factory=dict)
    rule_specimen: str = ""
    dose: str = ""
    notes: str = ""

    def plan(self, parameters: ParameterSet) -> PlannedRegimen:
        """Fill in the numbers from a parameter set.

        Raises
        ------
        CatalogError
            With every symbol that the set does not have.

        Examples
        --------
        >>> from marrowtrace.catalog import parameter_set
        >>> planned = regimen("endocrine-5y").plan(parameter_set("early-breast"))
        >>> planned.timing["duration"].value
        5.0
        """
        problems = ProblemList()
        filled: dict[str, dict[str, Parameter]] = {}
        for part, entries in (
            ("timing", self.timing), ("effects", self.effects), ("rule", self.rule),
        ):  # fmt: skip
            filled[part] = {}
            for key, entry in entries.items():
                if isinstance(entry, Parameter):
                    filled[part][key] = entry
                    continue
                symbol = entry.removeprefix(_COMPLEMENT)
                if symbol not in parameters:
                    hint = did_you_mean(symbol, list(parameters))
                    problems.add(f"{part}.{key}", f"no parameter '{symbol}' in the set{hint}")
                    continue
                found = parameters[symbol]
                filled[part][key] = found if entry == symbol else _complement(found)
        problems.raise_any(CatalogError, f"the regimen '{self.name}'")
        return PlannedRegimen(
            regimen=self,
            timing=MappingProxyType(filled["timing"]),
            effects=MappingProxyType(filled["effects"]),
            rule=MappingProxyType(filled["rule"]),
        )

    def as_row(self) -> dict[str, Any]:
        """Return the regimen as nested plain values for tables and JSON."""
        parts = {"timing": self.timing, "effects": self.effects, "rule": self.rule}
        return {
            "name": self.name,
            "title": self.title,
            "agents": list(self.agents),
            "cancers": list(self.cancers),
            "setting": self.setting,
            "acts_on": self.acts_on,
            "eligibility": self.eligibility,
            "dose": self.dose,
            "notes": self.notes,
            "rule_specimen": self.rule_specimen,
            **{
                part: {k: e.as_row() if isinstance(e, Parameter) else e for k, e in found.items()}
                for part, found in parts.items()
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRegimen:
    """A regimen with its numbers from one parameter set.

    Parameters
    ----------
    regimen : Regimen
    timing, effects, rule : mapping of str to Parameter
        Use ``.canonical`` of each: days, 1/day, cells.
    """

    regimen: Regimen
    timing: Mapping[str, Parameter]
    effects: Mapping[str, Parameter]
    rule: Mapping[str, Parameter]


def regimen_names() -> list[str]:
    """Return the names of all regimens, sorted."""
    return sorted(_regimens())


def regimen(name: str) -> Regimen:
    """Return the regimen called ``name``.

    Raises
    ------
    CatalogError
        If there is none; the message has the nearest name.

    Examples
    --------
    >>> regimen("zoledronate").agents
    ('zoledronate',)
    """
    known = _regimens()
    if name not in known:
        raise unknown("regimen", name, known)
    return known[name]


@cache
def _regimens() -> Mapping[str, Regimen]:
    return MappingProxyType(read_regimens(read("regimens.toml"), where="regimens.toml"))


def read_regimens(tables: Mapping[str, Any], *, where: str) -> dict[str, Regimen]:
    """Build regimens from tables as TOML gives them, one table a regimen.

    Raises
    ------
    CatalogError
        With every unknown or missing field and every word that is not allowed.
    """
    problems = ProblemList()
    found: dict[str, Regimen] = {}
    for name, table in tables.items():
        count = len(problems)
        _check(name, table, problems)
        if len(problems) == count:
            found[name] = _build(name, table, where)
    problems.raise_any(CatalogError, where)
    return found


def _check(name: str, table: Mapping[str, Any], problems: ProblemList) -> None:
    """Note every field and word of one regimen that is not allowed."""
    for key in table:
        if key not in _FIELDS:
            problems.add(name, f"has an unknown field '{key}'{did_you_mean(key, _FIELDS)}")
    for key in _REQUIRED:
        if key not in table:
            problems.add(name, f"has no {key}")
    words = {"setting": SETTINGS, "acts_on": ACTS_ON, "eligibility": ELIGIBILITY}
    words["rule_specimen"] = SPECIMENS
    for key, allowed in words.items():
        word = table.get(key)
        if word is not None and word not in allowed:
            hint = did_you_mean(str(word), allowed)
            problems.add(name, f"has {key} '{word}'; allowed: {', '.join(allowed)}{hint}")
    for part, allowed in (("timing", TIMING), ("effects", EFFECTS), ("rule", RULE)):
        for key in table.get(part, {}):
            if key not in allowed:
                hint = did_you_mean(key, allowed)
                problems.add(f"{name}.{part}", f"has '{key}'; allowed: {', '.join(allowed)}{hint}")
    if ("rule" in table) != ("rule_specimen" in table):
        problems.add(name, "has a rule without a rule_specimen, or the reverse")


def _build(name: str, table: Mapping[str, Any], where: str) -> Regimen:
    parts: dict[str, Mapping[str, str | Parameter]] = {}
    for part in ("timing", "effects", "rule"):
        entries = table.get(part, {})
        own = {key: entry for key, entry in entries.items() if not isinstance(entry, str)}
        numbers = read_parameters(own, where=f"{where}, {name}.{part}")
        parts[part] = MappingProxyType(
            {
                key: entry if isinstance(entry, str) else numbers[key]
                for key, entry in entries.items()
            }
        )
    return Regimen(
        name=name,
        title=str(table["title"]),
        agents=tuple(table["agents"]),
        cancers=tuple(table["cancers"]),
        setting=str(table["setting"]),
        acts_on=str(table["acts_on"]),
        eligibility=str(table["eligibility"]),
        timing=parts["timing"],
        effects=parts["effects"],
        rule=parts["rule"],
        rule_specimen=str(table.get("rule_specimen", "")),
        dose=str(table.get("dose", "")),
        notes=str(table.get("notes", "")),
    )


def _complement(found: Parameter) -> Parameter:
    """Return 1 minus a share, with the same source."""
    if found.unit.dimension != Unit.NONE.dimension or found.unit.size != 1.0:
        raise CatalogError(f"1 - {found.symbol} has no meaning: it is in {found.unit}")
    return replace(
        found,
        symbol=f"1 - {found.symbol}",
        value=1 - found.value,
        low=1 - found.high,
        high=1 - found.low,
        meaning=f"what remains after: {found.meaning}",
    )
