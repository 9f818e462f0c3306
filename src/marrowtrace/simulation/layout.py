"""The arrays that the kernel works on: their fields, and the codes they hold."""

from __future__ import annotations

import numpy as np

from marrowtrace.simulation.effects import ALL_EFFECTS

# ---- codes -------------------------------------------------------------------------------------
PERIVASCULAR, ENDOSTEAL, VISCERAL, LOCAL = 0, 1, 2, 3
PLACES = ("perivascular", "endosteal", "visceral", "local")
SITES = ("bone", "visceral", "local")
DIRECT, VIA_MARROW, RECIRCULATED, RESIDUAL = 0, 1, 2, 3
ORIGINS = ("primary", "marrow reservoir", "recirculated", "residual")

DORMANT, GROWING, SHRINKING, FEW, RESTRICTED, GONE = 0, 1, 2, 3, 4, 5

(
    NOTHING,
    LOST,
    EGRESS,
    AWAKENING,
    ER_FLIP,
    HER2_FLIP,
    TOLERANCE,
    RESTRICTION,
    ONSET,
    DETECTION,
    DWINDLING,
    ELIMINATION,
    ESCAPE_BY_MUTATION,
    ESCAPE_BY_ENVIRONMENT,
    ARRIVAL,
    ESTABLISHMENT,
    KILLED,
    SURGERY,
    CYCLE,
    THERAPY_START,
    THERAPY_STOP,
    DEATH_OF_CANCER,
    DEATH_OF_OTHER_CAUSES,
    RESISTANT_SUBCLONE,
    RULE_ASSAY,
    FAILED_AWAKENING,
    RETURN_TO_DORMANCY,
    REAWAKENING,
) = range(28)
EVENTS = (
    "nothing",
    "candidate lost",
    "candidate left the marrow for the viscera",
    "awakening",
    "ER status flips",
    "HER2 status flips",
    "candidate becomes tolerant",
    "lesion is restricted",
    "lesion begins to shed",
    "lesion detected",
    "lesion dwindles",
    "lesion eliminated",
    "escape by mutation",
    "escape by environment",
    "candidate lodges",
    "lesion established",
    "killed by therapy",
    "surgery",
    "cycle",
    "therapy starts",
    "therapy stops",
    "death of cancer",
    "death of other causes",
    "resistant subclone",
    "assay of a rule",
    "awakened cell dies out",
    "lesion returns to dormancy",
    "lesion awakens again",
)

COMPLETE, LESION_LIMIT, STEP_LIMIT, NOT_ENTERED = 0, 1, 2, 3
CODES = (
    "complete",
    "lesion limit reached",
    "step limit reached",
    "not metastatic within the horizon",
)

# ---- modifiers: three groups (all cells, ER+, HER2+) of eight, then levels of the patient --------
M_MARROW, M_VISCERAL, M_ESTABLISH, M_ESCAPE, M_LOSS, M_VISCERAL_LOSS, M_ELIMINATE, M_KILL = range(8)
GROUP = 8
M_HOMING, M_EGRESS, M_NE, M_TSP1, M_TGFB2, M_GAS6, M_OCTGFB, M_COAT, M_NK = range(24, 33)
M_EFFECTOR, M_GROWTH, M_SHEDDING, M_STEM, M_SPROUTING, M_OSTEOCLAST, M_SUPPRESSOR = range(33, 40)
# derived from the above
M_WAKE_V, M_WAKE_E, M_LODGE_ODDS, M_VISCERAL_ODDS, M_REMOVAL, M_RETURN = range(40, 46)
M_SITES, M_IMMUNE, M_EXPOSED = range(46, 49)
M_READINESS = 49  # of the niche, at the end of the last step; not of the therapies
MODIFIERS = 50

# ---- pools ---------------------------------------------------------------------------------------
(
    Q_V,
    Q_E,
    Q_FREE,
    Q_O,
    Q_O_MARROW,
    Q_READY,
) = range(6)
Q_MODES_V, Q_MODES_E = 6, 11  # five modes each: two of EMT, stem-like, UPR, osteomimetic
MODES = 5
Q_RECEPTORS = 16  # four shares for each of V, E, O and O by way of marrow
R_SENSITIVE, R_TOLERANT_ER, R_TOLERANT, R_HER2 = range(4)
POOLS = 32

# ---- outputs -------------------------------------------------------------------------------------
BURDENS = (
    "perivascular",
    "endosteal",
    "free",
    "visceral",
    "visceral_via_marrow",
    "ctc_primary",
    "ctc_lesions",
    "ctc_marrow",
    "ctc_clusters",
    "burst",
    "epithelial",
    "hybrid",
    "mesenchymal",
    "stem_like",
    "osteomimetic",
    "upr_high",
    "er_positive",
    "her2_positive",
    "ctc_mesenchymal",
    "log_primary_size",
    "lesions_growing",
    "lesions_restricted",
    "log_largest_lesion",
)
"""Columns at a visit: mean cells in place (the burden), fractions in marrow, lesions."""

PATIENTS = (
    "subtype",
    "age",
    "diameter",
    "log_size",
    "node_positive",
    "shedding_scale",
    "marrow_lodging",
    "visceral_lodging",
    "establishment",
    "tumour_age",
    "chemotherapy",
    "endocrine",
    "her2_targeted",
    "guided",
    "metastatic_at_diagnosis",
    "first_establishment",
    "local_relapse",
    "distant_relapse",
    "relapse_site",
    "relapse_origin",
    "bone_relapse",
    "visceral_relapse",
    "death",
    "death_cause",
    "end",
    "code",
    "drivers",
    "mutations",
    "candidates",
    "other_cause_death",
    "limited",
    "index_day",
)
"""Columns of the patients; times in days, infinite for what did not happen."""

TRAIT = np.dtype(
    [
        (name, np.float64)
        for name in [
            "subtype",
            "age",
            "diameter",
            "log_size",
            "node",
            "shedding",
            "marrow",
            "visceral",
            "establishment",
            "primary_rate",
            "lesion_rate",
            "net",
            "birth",
            "log_kill",
            "er",
            "her2",
            "mesenchymal",
            "epithelial",
            "hybrid",
            "mode_1",
            "mode_2",
            "primary_x",
            "primary_t",
            "primary_kill",
            "surgery",
            "stress_end",
            "resistant_er",
            "resistant_her2",
            "other_death",
            "cancer_death",
            "relapse",
            "relapse_growth",
            "end",
            "index_time",
            "tumour_age",
            "lodging_death",
            "primary_scale",
            "lesion_scale",
            "subclones",
        ]
    ]
)
"""One patient: fixed traits, and the few numbers that change."""

_WHOLE = (
    "state place source route niche er her2 tolerant mhc_low resistant_er resistant_her2 restrict"
    " escape_cause end_cause event subclone detected_flag ident returns"
)
_REAL = (
    "seeded awakened escaped detected ended cells wait loss egress flip_er flip_her2 tolerance"
    " eliminate mutate environment clock x t0 age lines doomed limit kill next emt_1 emt_2 emt_day"
    " tire rested"
)
FOUNDER = np.dtype(
    [(n, np.int64) for n in _WHOLE.split()] + [(n, np.float64) for n in _REAL.split()]
)
"""One candidate cell and the lesion it may become."""

WINDOW = np.dtype(
    [
        ("therapy", np.int64),
        ("begun", np.int64),
        ("left", np.int64),
        ("start", np.float64),
        ("stop", np.float64),
        ("next", np.float64),
    ]
)
"""One therapy as one patient takes it."""

THERAPY = np.dtype(
    [(n, np.int64) for n in ("agent", "acts_on", "eligibility", "cycles", "rule", "homing_any")]
    + [
        (n, np.float64)
        for n in (
            "start",
            "duration",
            "cycle_length",
            "uptake",
            "stopping_rate",
            "rule_day",
            "rule_threshold",
            "rule_delay",
            "homing",
        )
    ]
    + [(n, np.float64) for n in ALL_EFFECTS]
)
"""One therapy of the arm; ``homing`` is the product of its homing factors."""

_LESION_BYTES = (
    "place",
    "origin",
    "restricted",
    "escape_cause",
    "end_cause",
    "er",
    "her2",
    "mhc_low",
    "resistant",
    "parallel",
    "returns",
)
_LESION_REALS = (
    "founding_cells",
    "mutations_at_departure",
    "mutations_private",
    "drivers",
    "log_size",
    "seeded",
    "awakened",
    "escaped",
    "ended",
)
LESION = np.dtype(
    [("patient", np.int64), ("detected", np.float64)]
    + [(name, np.int32) for name in ("source", "record", "subclone_of")]
    + [(name, np.float32) for name in _LESION_REALS]
    + [(name, np.int8) for name in _LESION_BYTES],
    align=True,
)
"""One lesion: where from, when, what became of it; times in days, NaN for what did not happen."""

# ---- what one life leaves behind
(
    CODE,
    END,
    CANDIDATES,
    LOCAL_RELAPSE,
    DISTANT,
    BONE,
    VISCERAL_RELAPSE,
    FIRST_LESION,
    SITE,
    ORIGIN,
    LIMITED,
) = range(11)
SUMMARY = 11

MAX_FOUNDERS = 8192
MAX_CANDIDATES = 60_000  # each has a stream of its own, of 65,536 in all
MAX_STEPS = 20_000
MAX_EVENTS = 500_000  # of candidates and lesions in one life
MAX_WINDOWS = 64

# ---- streams -------------------------------------------------------------------------------------
(
    STREAM_TRAITS,
    STREAM_ARRIVALS,
    STREAM_DEATHS,
    STREAM_BURSTS,
    STREAM_RULES,
    STREAM_EVOLUTION,
) = range(1, 7)
STREAM_THERAPY = 16
STREAM_FOUNDER = 1024
