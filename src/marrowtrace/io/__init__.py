"""Files in and out: cohort folders, clinics' tables, and the formats of the field."""
