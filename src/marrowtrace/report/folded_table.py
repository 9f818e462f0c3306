"""A table that is folded away under its caption until a reader opens it."""

from __future__ import annotations

import html
from dataclasses import dataclass, replace

from marrowtrace.report.page import Table


@dataclass(frozen=True, slots=True)
class FoldedTable(Table):
    """A `Table` that shows its caption alone until it is opened.

    Without script: the browser folds it. Where it cannot, the table is open.
    """

    def render(self) -> str:
        """Return the table as HTML within ``details``."""
        shown = Table.render(replace(self, caption=""))
        return f"<details><summary>{html.escape(self.caption)}</summary>{shown}</details>"
