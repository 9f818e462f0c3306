"""The page on the data model, made from its declaration."""

from __future__ import annotations

from marrowtrace.cohort.schema import TABLES, Table
from marrowtrace.terms import Vocabulary

_INTRODUCTION = """\
# The data model

A cohort is a set of tables. This page is made from their declaration in
`marrowtrace.cohort.schema`, which also feeds validation and the readers; `json_schema()` there
gives it as JSON.

- Time is in **days from the index event** of the cohort (diagnosis, surgery, randomisation,
  first_treatment, enrolment or first_sample); negative days are before it.
- **No row means not assayed.** A count of 0 was counted.
- A count needs the amount it was counted in: mL of blood or nucleated cells of marrow.
- Tables and columns that are not required may be left out. `patients`, `samples` and `cells` keep
  further columns under their own names; the other tables refuse them.
- The words in the column *allowed* are accepted by `Cohort.from_tables` as they stand; the readers
  of `marrowtrace.io` also accept their synonyms, below, and report each that they replaced.
"""


def markdown() -> str:
    """Return the page as Markdown."""
    vocabularies: dict[str, Vocabulary] = {}
    for table in TABLES.values():
        for column in table.columns:
            if column.vocabulary is not None:
                vocabularies[column.vocabulary.name] = column.vocabulary
    parts = [_INTRODUCTION, *(_table(table) for table in TABLES.values()), "## Synonyms\n"]
    for vocabulary in vocabularies.values():
        parts.append(f"**{vocabulary.name.capitalize()}**\n\n| term | also accepted |\n|---|---|")
        parts.extend(
            f"| {term} | {', '.join(synonyms) or '-'} |"
            for term, synonyms in vocabulary.terms.items()
        )
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _table(table: Table) -> str:
    lines = [
        f"## {table.name}\n",
        f"{table.meaning[0].upper()}{table.meaning[1:]}. Key: {' + '.join(table.key)}.\n",
        "| column | type | unit | required | allowed | meaning |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {c.name} | {c.kind} | {c.unit} | {'yes' if c.required else ''} | {c.allowed} "
        f"| {c.meaning} |"
        for c in table.columns
    ]
    return "\n".join(lines) + "\n"
