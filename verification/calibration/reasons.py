"""Why the model misses what it misses."""

from __future__ import annotations

REASONS = {
    "dtc_at_diagnosis_t3": (
        "Shedding grows with size by one exponent, which is held by positivity in small tumours, "
        "by the overall share and by late relapse by size; only the finite niche flattens it. A "
        "tumour that has grown five times as wide has also had years more to shed. The figure is "
        "remembered."
    ),
    "hr_ctc_60_months": (
        "The interval is wide (4.7 to 36.3, remembered). Some seven in ten of the model's positive "
        "tubes at 60 months hold a false positive; most of the others come from lesions that will "
        "be seen within years, some from dormant cells of the marrow. A larger ratio needs fewer "
        "false positives, which the positivity of the other visits and of 23 mL holds."
    ),
    "ctc_at_60_months": (
        "Same tension: 23 mL after surgery and at 24 months are positive too rarely, 7.5 mL at 60 "
        "months too often. The two come from different trials and laboratories, and one rate of "
        "false positives serves both. Cells that have left the marrow are mostly mesenchymal, and "
        "the assay sees few of these."
    ),
    "ctc_five_at_diagnosis": (
        "With the same cells in all, burstier shedding gives more such tubes but fewer with at "
        "least one cell, which is the better known figure. This one is remembered with low "
        "confidence."
    ),
    "dtc_at_36_months": (
        "Pulled down by persistence at 24 months, which pulls the other way in the same model: if "
        "only a fifth of the positive stay positive, few are positive a year later."
    ),
    "dtc_persistence_24_months": (
        "The sources contradict each other (16 % at 24 months, about 65 % at 12 months): no model "
        "with one law of loss meets both. Of those positive at diagnosis the model keeps more than "
        "the one and less than the other."
    ),
    "hr_dtc_death_10_years": (
        "Death follows relapse by years and other causes dilute it, so the ratio for death lies "
        "below that for relapse in any model of this kind, while the source prints them equal "
        "(2.15 and 2.13). Adjusted figures are lower (1.23 in hartkopf2021)."
    ),
    "hr_tamoxifen_years_0_4": (
        "Many relapses of the first years come from lesions that were growing at diagnosis; those "
        "resistant from the start set a floor under what endocrine therapy can do."
    ),
}
"""Figures in use, by name."""

CONTRADICTIONS = {
    "hr_tamoxifen_years_10_14": (
        "Cells lost during therapy are missing later. Where visceral cells are seeded once and "
        "live long, the benefit carries over for longer than published."
    ),
    "satt_dtc_after_chemotherapy": (
        "The trial's second marrow was positive in 7.2 %, against 49 to 46 % under chemotherapy in "
        "braun2000, on which the dormant kill rests. Laboratories differ by more than any "
        "therapy; the first marrow of the trial is not known here."
    ),
    "hazard_er_positive_0_5": (
        "Every recurrence of an earlier time, local ones included, against distant relapses under "
        "today's therapies; the same holds for the other hazards of colleoni2016."
    ),
}
"""Figures held out, by name."""
