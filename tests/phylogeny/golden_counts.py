"""Counts of published patients as MACHINA (pmh_sankoff) and MACH2 give them.

MACHINA: every labelling with the fewest migrations, by comigrations, seeding sites and pattern.
MACH2: fewest unobserved clones, then migrations, then comigrations.
"""

from __future__ import annotations

# (tree, primary): migrations, {(comigrations, seeding sites, pattern): labellings}
MACHINA = {
    ("A10", "prostate"): (3, {(3, 1, "mPS"): 2, (3, 2, "mS"): 4}),
    ("A22", "prostate"): (
        32,
        {
            (14, 4, "pM"): 4,
            (14, 4, "pR"): 4,
            (15, 4, "pM"): 4,
            (16, 5, "pR"): 8,
            (17, 5, "pR"): 4,
        },
    ),
    ("A31", "prostate"): (13, {(7, 3, "pR"): 2, (8, 3, "pR"): 2, (9, 4, "pR"): 1}),
    ("patient1", "LOv"): (13, {(7, 2, "pR"): 2, (11, 3, "pR"): 2}),
    ("patient1", "ROv"): (13, {(10, 2, "pM"): 1}),
    ("patient3", "LOv"): (27, {(7, 1, "pPS"): 1, (9, 2, "pM"): 3}),
    ("patient3", "ROv"): (
        27,
        {
            (7, 1, "pPS"): 1,
            (9, 2, "pM"): 3,
            (10, 2, "pM"): 4,
            (12, 2, "pM"): 1,
            (12, 3, "pM"): 11,
        },
    ),
}

# tree: primary, migrations, comigrations
MACH2 = {
    "A29": ("prostate", 1, 1),
    "A12": ("prostate", 3, 3),
    "A10": ("prostate", 3, 3),
    "A7": ("breast", 6, 5),
    "A31": ("prostate", 10, 4),
    "A22": ("prostate", 26, 12),
}
