"""Therapies of the small systems: stronger than real ones, so that few patients show them."""

from __future__ import annotations

from marrowtrace.simulation.therapy import Rule, Therapy
from verification.systems import YEAR


def chemotherapy(start: float = 30.0, **effects: float) -> Therapy:
    return Therapy(
        "chemotherapy",
        start=start,
        duration=84.0,
        effects={"log_kill": 1.0, "dormant_kill": 0.15, "restricted_kill": 0.3} | effects,
        cycles=4,
        cycle_length=21.0,
        uptake=0.8,
    )


def endocrine(**effects: float) -> Therapy:
    return Therapy(
        "endocrine",
        start=120.0,
        duration=2.0 * YEAR,
        effects={
            "marrow_awakening": 0.5,
            "visceral_awakening": 0.5,
            "establishment": 0.6,
            "escape": 0.5,
            "marrow_loss": 0.3 / YEAR,
            "visceral_loss": 0.3 / YEAR,
            "restricted_elimination": 0.5 / YEAR,
            "lesion_kill": 3.0 / YEAR,
            "resistant_fraction": 0.4,
        }
        | effects,
        eligibility="er_positive",
        acts_on="er_positive",
        stopping_rate=0.2 / YEAR,
    )


def her2_targeted() -> Therapy:
    return Therapy(
        "her2_targeted",
        start=60.0,
        duration=YEAR,
        effects={
            "marrow_awakening": 0.6,
            "visceral_awakening": 0.6,
            "establishment": 0.5,
            "marrow_loss": 1.0 / YEAR,
            "visceral_loss": 0.7 / YEAR,
            "lesion_kill": 6.0 / YEAR,
            "resistant_fraction": 0.3,
        },
        eligibility="her2_positive",
        acts_on="her2_positive",
    )


def transplantation() -> Therapy:
    return Therapy(
        "marrow_transplantation",
        start=60.0,
        duration=0.0,
        effects={"marrow_log_kill": 1.0, "graft_cells": 12.0},
    )


def bisphosphonate() -> Therapy:
    return Therapy(
        "clodronate",
        start=30.0,
        duration=3.0 * YEAR,
        effects={"marrow_awakening": 0.5, "marrow_loss": 1.0 / YEAR},
        uptake=0.7,
    )


def radiotherapy() -> Therapy:
    return Therapy("radiotherapy", start=40.0, duration=35.0, effects={"local_log_kill": 0.7})


def docetaxel(rule: Rule | None) -> Therapy:
    return Therapy(
        "docetaxel",
        duration=84.0,
        effects={"log_kill": 1.0, "dormant_kill": 0.4, "restricted_kill": 0.3},
        cycles=4,
        cycle_length=21.0,
        rule=rule,
    )


def levels() -> tuple[Therapy, ...]:
    """Therapies that move levels of the patient: homing, holds, gains, platelets, NK cells."""
    return (
        Therapy(
            "other_1",
            start=0.0,
            duration=YEAR,
            effects={"tsp1": 0.4, "gas6_axl": 0.5, "sprouting": 0.5, "osteoclast": 0.4},
        ),
        Therapy(
            "other_2",
            start=100.0,
            duration=2.0 * YEAR,
            effects={"homing_vla4": 0.3, "egress": 3.0, "nk": 1.5, "effector": 1.4},
            uptake=0.5,
        ),
        Therapy("beta_blocker", start=0.0, duration=60.0, effects={"norepinephrine": 0.2}),
    )
