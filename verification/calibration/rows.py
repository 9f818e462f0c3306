"""The rows of the table: what each output is called, and what the prototype gave for it."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One row.

    ``published`` is what is in print where it is no target of the catalogue; ``low`` and ``high``
    bound it if it is a range.
    """

    name: str
    label: str
    prototype: float | None = None
    published: str = ""
    low: float | None = None
    high: float | None = None


MARROW = (
    Row("dtc_at_diagnosis", "DTC-positive at diagnosis", 0.296),
    Row("dtc_at_diagnosis_t1", "the same, tumour up to 2 cm", 0.237),
    Row("dtc_at_diagnosis_t3", "the same, tumour above 5 cm", 0.529),
    Row("dtc_er_negative_to_positive", "the same, ER-negative over ER-positive", 1.14),
    Row("dtc_two_or_more_of_positive", "two or more cells, of the positive", 0.34),
    Row("dtc_count_0", "no DTC in an aspirate", 0.705),
    Row("dtc_count_1", "1 DTC", 0.194),
    Row("dtc_count_2", "2 DTCs", 0.061),
    Row("dtc_count_3_to_5", "3 to 5 DTCs", 0.034),
    Row("dtc_count_above_5", "more than 5 DTCs", 0.004),
    Row("dtc_total_quartile_1", "cells in the marrow at diagnosis, first quartile", 4.1e4),
    Row("dtc_total_median", "the same, median", 9.0e4),
    Row("dtc_total_quartile_3", "the same, third quartile", 1.8e5),
    Row("dtc_at_36_months", "DTC-positive at 36 months", 0.128),
    Row("dtc_persistence_24_months", "DTC-positive at 24 months, of those at diagnosis", 0.230),
)
BLOOD = (
    Row("ctc_at_diagnosis", "1 CTC in 7.5 mL at diagnosis", 0.205),
    Row("ctc_five_at_diagnosis", "5 CTCs in 7.5 mL at diagnosis", 0.024),
    Row("ctc_after_surgery_23ml", "1 CTC in 23 mL after surgery", 0.205),
    Row("ctc_at_24_months_23ml", "1 CTC in 23 mL at 24 months", 0.169),
    Row("ctc_at_60_months", "1 CTC in 7.5 mL at 60 months", 0.056),
    Row("ctc_five_at_relapse", "5 CTCs in 7.5 mL at relapse", 0.508),
    Row("kappa_dtc_ctc", "kappa of DTCs and CTCs at diagnosis", 0.12, "no association seen"),
    Row("kappa_dtc_node", "kappa of DTCs and positive nodes", 0.15, "weak"),
)
PROGNOSIS = (
    Row("hr_dtc_relapse_10_years", "DTCs at diagnosis, relapse within 10 years", 2.05),
    Row("hr_dtc_death_10_years", "DTCs at diagnosis, death within 10 years", 1.73),
    Row("hr_dtc_12_months", "DTCs at 12 months, later relapse", 2.43),
    Row("hr_dtc_24_months", "DTCs at 24 months, later relapse", 3.19),
    Row("hr_dtc_36_months", "DTCs at 36 months, later relapse", 3.36),
    Row("hr_ctc_relapse", "CTCs at diagnosis, relapse", 2.25),
    Row("hr_ctc_five_relapse", "5 CTCs against none at diagnosis, relapse", 6.0),
    Row("hr_ctc_24_months", "CTCs in 23 mL at 24 months, later relapse", 4.1),
    Row("hr_ctc_60_months", "CTCs at 60 months, later relapse, ER-positive", 6.0),
)
RELAPSE = (
    Row("relapse_5_years_er_positive", "ER-positive, 5 years", 0.120),
    Row("relapse_10_years_er_positive", "10 years", 0.224),
    Row("relapse_15_years_er_positive", "15 years", 0.271),
    Row("relapse_20_years_er_positive", "20 years", 0.295),
    Row("relapse_5_years_er_negative", "ER-negative, 5 years", 0.263),
    Row("relapse_10_years_er_negative", "10 years", 0.339),
    Row("relapse_15_years_er_negative", "15 years", 0.365),
    Row("relapse_20_years_er_negative", "20 years", 0.377),
    Row("relapse_5_years_all", "all, 5 years", 0.152),
    Row("relapse_10_years_all", "10 years", 0.250),
    Row("relapse_15_years_all", "15 years", 0.292),
    Row("relapse_20_years_all", "20 years", 0.314),
    Row("relapse_5_to_20_t1n0", "ER-positive from 5 to 20 years, T1N0", 0.147),
    Row("relapse_5_to_20_t2n0", "T2N0", 0.204),
    Row("relapse_5_to_20_t1n1", "T1N+", 0.214),
    Row("relapse_5_to_20_t2n1", "T2N+", 0.288),
    Row("hazard_0_1_er_positive", "ER-positive, hazard a year, year 0", 0.015),
    Row("hazard_1_2_er_positive", "year 1", 0.025),
    Row("hazard_2_3_er_positive", "year 2", 0.035),
    Row("hazard_3_4_er_positive", "year 3", 0.030),
    Row("hazard_4_5_er_positive", "year 4", 0.022),
    Row("hazard_5_7_er_positive", "years 5 and 6", 0.017),
    Row("hazard_7_10_er_positive", "years 7 to 9", 0.031),
    Row("hazard_10_15_er_positive", "years 10 to 14", 0.013),
    Row("hazard_15_20_er_positive", "years 15 to 19", 0.0069, "steady from 5 to 20 years"),
    Row("hazard_1_2_er_negative", "ER-negative, year 1 (the peak)", 0.101),
    Row("hazard_15_20_er_negative", "years 15 to 19", 0.004),
    Row("metastatic_at_diagnosis", "metastases at diagnosis", 0.058),
    Row("bone_first", "first relapse in bone, of those within 10 years", 0.51),
    Row("founded_before_diagnosis", "first lesion founded before diagnosis, of the same", 0.80),
    Row("node_positive", "positive nodes", 0.39, "0.39", 0.37, 0.41),
)
TREATMENT = (
    Row("hr_tamoxifen_years_0_4", "5 years of endocrine therapy, years 0 to 4", 0.53),
    Row("hr_tamoxifen_years_5_9", "years 5 to 9"),
    Row("hr_tamoxifen_years_10_14", "years 10 to 14"),
    Row("rr_chemotherapy", "chemotherapy among those who had it, years 0 to 9", 0.70),
)
SECTIONS = (
    ("Marrow", MARROW),
    ("Blood", BLOOD),
    ("Prognosis (hazard ratios)", PROGNOSIS),
    ("Relapse", RELAPSE),
    ("Treatment (rate ratios of relapse)", TREATMENT),
)

HELD_OUT = {
    "dtc_pooled_braun": "dtc_at_diagnosis",
    "dtc_pooled_paddy": "dtc_at_diagnosis",
    "hr_tamoxifen_years_5_9": "hr_tamoxifen_years_5_9",
    "hr_tamoxifen_years_10_14": "hr_tamoxifen_years_10_14",
    "rr_bisphosphonate_any": "zoledronate any",
    "rr_bisphosphonate_distant": "zoledronate any",
    "rr_bisphosphonate_bone": "zoledronate bone",
    "satt_dtc_after_chemotherapy": "dtc_at_8_months_after_chemotherapy",
    "zoledronate_dtc_24_months": "dtc_at_24_months",
    "hazard_er_positive_0_5": "hazard_0_5_er_positive",
    "hazard_er_negative_0_5": "hazard_0_5_er_negative",
    "hazard_er_positive_5_10": "hazard_5_10_er_positive",
    "hazard_er_negative_5_10": "hazard_5_10_er_negative",
}
"""Figures that no fit used, with the output that answers to each."""
