"""Units and amounts that clinics write into headers: ``Tumour size (cm)``, ``CTC/7.5ml``."""

from __future__ import annotations

import re

from marrowtrace import terms
from marrowtrace.errors import UnitError
from marrowtrace.units import Unit

_BRACKETS = re.compile(r"[\[(]\s*(?:in\s+)?([^\[\]()]+?)\s*[\])]")
_AMOUNT = re.compile(
    r"(?:/|\b(?:per|pro|in|je)\b)\s*"
    r"(?P<number>\d+(?:[.,]\d+)?(?:e\d+)?)?\s*"
    r"(?:[x*·\u00d7]\s*)?(?P<power>10\s?(?:\^|\*\*)\s?\d+|10[⁵⁶⁷])?\s*"
    r"(?P<million>mio\.?|million)?\s*"
    r"(?P<unit>µl|μl|ul|ml|cc|l|mnc|pbmc|mononuclear cells|nucleated cells|cells|zellen|wbc)\b",
    re.IGNORECASE,
)
_SUPERSCRIPTS = str.maketrans("⁵⁶⁷", "567")
# units of time that headers spell out in other languages
_TIMES = {
    "tage": "day", "tagen": "day", "jours": "day", "dias": "day", "giorni": "day",
    "wochen": "week", "semaines": "week", "monate": "month", "monaten": "month", "mon": "month",
    "mths": "month", "mois": "month", "meses": "month", "mesi": "month",
    "jahre": "year", "jahren": "year", "ans": "year", "anos": "year", "anni": "year",
}  # fmt: skip
_CELLS = {"pbmc", "zellen"}


def unit_in_header(header: str, dimension: tuple[int, ...]) -> Unit | None:
    """Return the unit in brackets in a header, if it is one of this dimension.

    Examples
    --------
    >>> unit_in_header("Tumour size (cm)", Unit.MM.dimension).symbol
    'cm'
    >>> unit_in_header("OS (Monate)", Unit.DAY.dimension).symbol
    'month'
    >>> unit_in_header("Follow-up [months]", Unit.MM.dimension) is None
    True
    """
    for text in reversed(_BRACKETS.findall(header)):
        try:
            unit = Unit.parse(_TIMES.get(text.casefold(), text))
        except UnitError:
            continue
        if unit.dimension == dimension and any(dimension):
            return unit
    return None


def amount_in_header(header: str) -> tuple[float, str] | None:
    """Return the amount examined that a header names, with its unit, or None.

    Examples
    --------
    >>> amount_in_header("CTC/7.5ml"), amount_in_header("DTC per 2x10^6 MNC")
    ((7.5, 'mL'), (2000000.0, 'nucleated_cells'))
    >>> amount_in_header("CTC/mL") is None  # a concentration, not an amount
    True
    """
    found = _AMOUNT.search(header)
    if found is None or not (found["number"] or found["power"] or found["million"]):
        return None
    amount = float((found["number"] or "1").replace(",", "."))
    if found["power"]:
        digits = found["power"].translate(_SUPERSCRIPTS)[2:]
        amount *= 10.0 ** int(re.sub(r"\D", "", digits))
    amount *= 1e6 if found["million"] else 1.0
    word = found["unit"].casefold()
    term = "nucleated_cells" if word in _CELLS else terms.EXAMINED_UNIT.normalise(word)
    if term is not None:
        return amount, term
    return amount * Unit.parse(word).size, "mL"
