"""The figures of expression: what they show, and that nothing of them fails on odd input."""

import numpy as np
import polars as pl
import pytest

from marrowtrace.expression.design import design
from marrowtrace.expression.differential import Comparison
from marrowtrace.expression.scores import score_programs
from marrowtrace.plotting.design_diagram import draw_design
from marrowtrace.plotting.expression_heatmap import MOST_SAMPLES, draw_heatmap
from marrowtrace.plotting.score_distribution import draw_scores
from marrowtrace.plotting.style import FORMS, image_bytes
from marrowtrace.plotting.volcano import draw_volcano
from tests.expression.made_expression import made


def comparison(genes: list[str], effect: list[float], p: list[float | None]) -> Comparison:
    table = pl.DataFrame(
        {"gene": genes, "mean": 5.0, "effect": effect, "se": 0.5, "p": p, "fdr": p},
        schema_overrides={"p": pl.Float64, "fdr": pl.Float64},
    )
    return Comparison(
        study="s", first="a", second="b", method="moderated t", units=(3, 3), paired=False,
        table=table,
    )  # fmt: skip


def test_design_shows_every_number():
    ax = draw_design(design(["CTC", "CTC", "DTC", "DTC", "DTC"], ["A", "A", "B", "B", "A"]))
    assert sorted(t.get_text() for t in ax.texts) == ["1", "2", "2"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["CTC", "DTC"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["A", "B"]


@pytest.mark.parametrize("cluster", [True, False])
def test_heatmap_in_every_form(cluster):
    expression = made(12)
    figure = draw_heatmap(expression, {"type": ["a"] * 6 + ["b"] * 6}, cluster=cluster)
    for form in FORMS:
        assert len(image_bytes(figure, form=form)) > 1000


def test_heatmap_draws_no_more_than_it_says():
    figure = draw_heatmap(made(MOST_SAMPLES + 60), {})
    widths = [m.get_array().shape[-1] for ax in figure.axes for m in ax.collections
              if getattr(m.get_array(), "ndim", 0) == 2]  # fmt: skip
    assert max(widths) == MOST_SAMPLES


def test_scores_have_a_panel_a_program():
    scores = score_programs(made(12))
    figure = draw_scores(scores, ["a", "b"] * 6, programs=("upr", "epithelial", "absent"))
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["upr", "epithelial"]
    assert draw_scores(scores, None).axes


def test_volcano_names_only_what_is_settled():
    found = comparison(["MKI67", "VIM", "KRT8"], [3.0, -2.0, 0.1], [1e-9, 1e-5, 0.9])
    ax = draw_volcano(found, named=["KRT8", "VIM"])
    assert {t.get_text() for t in ax.texts} == {"MKI67", "VIM"}
    assert "2 of 3 genes" in ax.get_title(loc="left")


def test_volcano_of_p_values_that_are_zero_or_missing():
    found = comparison(["A", "B"], [9.0, 1.0], [0.0, None])
    ax = draw_volcano(found)
    assert np.isfinite(ax.get_ylim()).all()
