"""The data model: one set of tables for real and simulated patients, checked once, then frozen."""

from marrowtrace.cohort.cohort import Cohort
from marrowtrace.cohort.landmark import Landmark
from marrowtrace.cohort.schema import TABLES, Column, Table, table

__all__ = ["TABLES", "Cohort", "Column", "Landmark", "Table", "table"]
