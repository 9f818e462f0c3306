"""The page on expression: what it says of refusals, force and the primary."""

from dataclasses import replace

import numpy as np
import pytest

from marrowtrace.errors import OutputError
from marrowtrace.expression.analysis import analyse, receptor_status
from marrowtrace.expression.programs import program
from marrowtrace.expression.samples import describe_samples
from marrowtrace.provenance import Provenance
from marrowtrace.report.expression_page import write_expression
from tests.expression.made_expression import GENES, made

MADE = Provenance(action="test")


def page(analysis, folder) -> str:
    write_expression(analysis, folder, provenance=MADE)
    return (folder / "report.html").read_text(encoding="utf-8")


def test_refusal_stands_on_the_page(tmp_path):
    matrices = [made(8, seed=1, name="a"), made(8, seed=2, name="b")]
    text = page(analyse(matrices, describe_samples(matrices, types=["CTC", "DTC"])), tmp_path / "o")
    assert "Refused: DTC against CTC cannot be estimated" in text
    assert "Each matrix is standardised by itself" in text
    assert "<script" not in text


def test_force_stands_on_the_page(tmp_path):
    expression = made(40)
    values = expression.values.copy()
    values[:20] *= np.random.default_rng(2).uniform(size=(20, values.shape[1])) < 0.5
    worse = replace(expression, values=values)
    samples = describe_samples([worse])
    samples = replace(
        samples, table=samples.table.with_columns(type=np.array(["a"] * 20 + ["b"] * 20))
    )
    found = analyse([worse], samples, force=True, differential=False)
    text = page(found, tmp_path / "o")
    assert "failed their quality check and were used by force" in text
    assert "a equals depth" in text


def test_discordance_with_the_primary(tmp_path):
    expression = made(12)
    values = expression.values.copy()
    erbb2 = GENES.index("ERBB2")
    values[:, erbb2] = [14.0] * 3 + [0.0] * 9
    panels = ("qc_leukocyte", "qc_plasma_cell", "qc_stromal")
    for gene in ["GRB7", *(g for name in panels for g in program(name).genes)]:
        values[:, GENES.index(gene)] = 0.0
    samples = describe_samples([expression])
    table = samples.table.with_columns(
        patient=np.array(["p1"] * 6 + ["p2"] * 6), primary_her2=np.array(["neg"] * 6 + ["?"] * 6)
    )
    found = analyse([replace(expression, values=values)], replace(samples, table=table))
    first, second = found.matrices[0].discordance
    assert (first["primary"], first["discordant"]) == ("negative", 3)
    assert (second["primary"], second["discordant"]) == ("unknown", None)
    assert "Receptors of cells and of the primary" in page(found, tmp_path / "o")


@pytest.mark.parametrize(
    ("text", "status"), [("HIGH", "positive"), ("-", "negative"), ("n/a", "unknown")]
)
def test_status(text, status):
    assert receptor_status(text) == status


def test_a_folder_that_is_there_is_kept(tmp_path):
    found = analyse([made(6)], describe_samples([made(6)]))
    page(found, tmp_path / "o")
    with pytest.raises(OutputError, match="exists already"):
        page(found, tmp_path / "o")
