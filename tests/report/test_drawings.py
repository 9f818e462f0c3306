from __future__ import annotations

import pytest

from marrowtrace.errors import OutputError
from marrowtrace.plotting.style import new_axes
from marrowtrace.report.drawings import Drawings


def test_figures_are_numbered_in_order_and_written_by_name(tmp_path):
    drawings = Drawings()
    first = drawings.add("one", new_axes(width=3.0), alt="an empty figure", caption="Nothing.")
    second = drawings.add("two", new_axes(), alt="an empty figure", caption="Nothing.")
    assert first.caption == "Figure 1. Nothing."
    assert second.caption == "Figure 2. Nothing."
    assert (first.wide, second.wide) == (False, True)
    paths = drawings.write(tmp_path, ("png", "pdf"))
    assert [path.name for path in paths] == ["one.png", "one.pdf", "two.png", "two.pdf"]
    assert all(path.stat().st_size > 100 for path in paths)


def test_other_forms_are_refused(tmp_path):
    with pytest.raises(OutputError, match="cannot be written as 'gif'; allowed: svg, png, pdf"):
        Drawings().write(tmp_path, ("gif",))
