"""Published figures that a study is held against, and how each is had from simulated patients."""

from __future__ import annotations

from dataclasses import dataclass

STATISTICS = (
    "positivity",
    "positivity_ratio",
    "persistence",
    "share",
    "cumulative_incidence",
    "kaplan_meier",
    "rate",
    "rate_ratio",
    "hazard_ratio",
)
"""Kinds of statistic; `Statistic` says what each needs."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A patient's status by one assay at one visit.

    Parameters
    ----------
    visit, assay : str
    threshold : float
        Smallest count that is positive. An assay that only says positive or negative is taken at
        its word.
    negative_below : float, optional
        Patients count as negative below this count, and are left out from here to the threshold:
        "at least 5 against none" is 5 with 1. The threshold itself if left out.
    """

    visit: str
    assay: str
    threshold: float = 1.0
    negative_below: float | None = None


@dataclass(frozen=True, slots=True)
class Subgroup:
    """Which patients a statistic is about; what is None does not select.

    Parameters
    ----------
    er, her2 : {"positive", "negative"}, optional
    node_positive : bool, optional
    diameter_above, diameter_to : float, optional
        Tumour diameter above, and up to and including, this [mm].
    age_from, age_below : float, optional
        Age from, and below, this [year].
    arms : tuple of str
        Names of arms; all if empty.
    marker : Marker, optional
        With ``marker_positive``, patients of this status.
    marker_positive : bool
    event_free_at : float, optional
        Only patients free of relapse and death, and followed, at this day [day].
    """

    er: str | None = None
    her2: str | None = None
    node_positive: bool | None = None
    diameter_above: float | None = None
    diameter_to: float | None = None
    age_from: float | None = None
    age_below: float | None = None
    arms: tuple[str, ...] = ()
    marker: Marker | None = None
    marker_positive: bool = True
    event_free_at: float | None = None


@dataclass(frozen=True, slots=True)
class Statistic:
    """How a published figure is had from the simulated patients.

    Parameters
    ----------
    kind : str
        ``positivity``: share positive by ``marker``. ``positivity_ratio``: that share in
        ``subgroup`` over that in ``reference``. ``persistence``: share positive by ``marker`` among
        those positive by ``before``. ``share``: share of patients (with an event of ``endpoint``
        from ``from_day`` to ``day``, if one is named) whose ``column`` is ``equals``; the column
        ``screened`` is the reason of `marrowtrace.study.panel.Panel.screened`, among all simulated.
        ``cumulative_incidence``: of ``endpoint`` by ``day``, given no event by ``from_day``.
        ``kaplan_meier``: the same as 1 - Kaplan-Meier, what competes taken as censoring, where a
        paper estimated it so. ``rate``: events per year between ``from_day`` and ``day``.
        ``rate_ratio``: that rate in ``subgroup`` over that in ``reference``, or of the first of
        ``arms`` over the second. ``hazard_ratio``: of ``endpoint`` between ``from_day`` and
        ``day``, positive against negative by ``marker``, or of the first of ``arms`` against the
        second.
    marker, before : Marker, optional
    endpoint : str
        One of the study's.
    from_day, day : float, optional
        From and to [day from the index event]; a hazard ratio by a later marker starts at its
        visit. Left out: the index event and the end of follow-up.
    subgroup, reference : Subgroup
    arms : tuple of str
        Two arms.
    column, equals : str
        Column of the panel's patients, and the value that counts.
    """

    kind: str
    marker: Marker | None = None
    before: Marker | None = None
    endpoint: str = ""
    from_day: float | None = None
    day: float | None = None
    subgroup: Subgroup = Subgroup()
    reference: Subgroup = Subgroup()
    arms: tuple[str, ...] = ()
    column: str = ""
    equals: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One published figure and what it is compared with.

    Parameters
    ----------
    id : str
        Name of the catalogue's target, or one's own.
    label : str
    value : float
    statistic : Statistic
    ci_low, ci_high : float, optional
        95 % interval, where printed.
    positive, patients : int, optional
        Counts behind a share, from which an exact interval is made.
    citation : str
        Key of the bibliography; empty where the figure has no paper.
    where : str
        Place in the paper.
    calibrated : bool
        Whether the parameters were fitted, or set by hand, to this figure.
    verified : bool
        Whether the figure was seen in the paper or is remembered.
    """

    id: str
    label: str
    value: float
    statistic: Statistic
    ci_low: float | None = None
    ci_high: float | None = None
    positive: int | None = None
    patients: int | None = None
    citation: str = ""
    where: str = ""
    calibrated: bool = False
    verified: bool = True
