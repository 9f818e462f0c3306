import gzip
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp

from marrowtrace.errors import InputFileError, MissingFileError
from marrowtrace.expression.reading import read_expression, read_many

GENES = ["EPCAM", "KRT8", "VIM", "MKI67", "ACTB", "GAPDH", "ERBB2", "PTPRC"]


def table(values, rows, columns, mark=","):
    lines = [mark.join(["", *columns])]
    lines += [mark.join([r, *map(str, row)]) for r, row in zip(rows, values, strict=True)]
    return "\n".join(lines) + "\n"


def written(folder: Path, text: str, name: str = "m.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


COUNTS = np.arange(24).reshape(8, 3) * 7


def test_genes_in_rows(tmp_path):
    found = read_expression(written(tmp_path, table(COUNTS, GENES, ["a", "b", "c"])))
    assert found.samples == ("a", "b", "c")
    assert found.genes == tuple(GENES)
    assert found.scale == "counts"
    assert "genes are in rows: 8 genes, 3 samples" in found.notes
    np.testing.assert_array_equal(found.values, COUNTS.T)


def test_genes_in_columns_and_gzip(tmp_path):
    path = tmp_path / "m.tsv.gz"
    path.write_bytes(gzip.compress(table(COUNTS.T, ["a", "b", "c"], GENES, "\t").encode()))
    found = read_expression(path)
    assert found.name == "m"
    np.testing.assert_array_equal(found.values, COUNTS.T)


def test_header_without_a_name_for_the_first_column(tmp_path):
    text = table(COUNTS, GENES, ["a", "b", "c"], "\t").removeprefix("\t")
    assert read_expression(written(tmp_path, text, "m.txt")).samples == ("a", "b", "c")


def test_symbols_beside_ensembl_ids(tmp_path):
    lines = ["id,a,b,symbol", *(f"ENSG{i:011d},{i},{i + 5},{g}" for i, g in enumerate(GENES))]
    found = read_expression(written(tmp_path, "\n".join(lines)))
    assert found.genes == tuple(GENES)
    assert "column(s) of text set aside: symbol" in found.notes


def test_scales(tmp_path):
    logs = COUNTS / 20.0
    assert read_expression(written(tmp_path, table(logs, GENES, "abc"))).scale == "log"
    share = (COUNTS + 0.5) / (COUNTS + 0.5).sum(axis=0) * 1e6
    assert read_expression(written(tmp_path, table(share, GENES, "abc"))).scale == "tpm"
    centred = logs - logs.mean()
    assert read_expression(written(tmp_path, table(centred, GENES, "abc"))).scale == "ratio"


def test_expected_counts_are_rounded(tmp_path):
    values = COUNTS.astype(float)
    values[2, 1] += 0.4
    found = read_expression(written(tmp_path, table(values, GENES, "abc")))
    assert found.scale == "counts"
    assert (found.values == np.rint(found.values)).all()
    assert any("expected counts" in note for note in found.notes)


def test_duplicates_are_merged(tmp_path):
    rows = [*GENES[:7], "EPCAM"]
    found = read_expression(written(tmp_path, table(COUNTS, rows, "abc")))
    assert found.genes == tuple(GENES[:7])
    np.testing.assert_array_equal(found.gene("EPCAM"), COUNTS[0] + COUNTS[7])
    logs = read_expression(written(tmp_path, table(COUNTS / 10.5, rows, "abc")))
    np.testing.assert_allclose(logs.gene("EPCAM"), COUNTS[7] / 10.5)


def test_not_utf8_is_read(tmp_path):
    path = tmp_path / "m.csv"
    path.write_bytes(table(COUNTS, GENES, ["Köln", "b", "c"]).encode("cp1252"))
    assert read_expression(path).samples[0] == "Köln"


def test_excel_dates_are_repaired_and_listed(tmp_path):
    found = read_expression(written(tmp_path, table(COUNTS, [*GENES[:6], "1-Mar", "2-Sep"], "abc")))
    assert found.genes[-2:] == ("MARCHF1", "SEPTIN2")
    assert any("'2-Sep' to SEPTIN2" in note for note in found.notes)


def test_10x(tmp_path):
    scipy.io.mmwrite(tmp_path / "matrix.mtx", sp.coo_array(COUNTS))
    (tmp_path / "barcodes.tsv").write_text("a\nb\nc\n")
    (tmp_path / "features.tsv").write_text(
        "".join(f"ENSG{i:011d}\t{g}\tGene Expression\n" for i, g in enumerate(GENES))
    )
    found = read_expression(tmp_path)
    assert found.sparse
    np.testing.assert_array_equal(found.values.toarray(), COUNTS.T)
    (tmp_path / "barcodes.tsv").write_text("a\nb\n")
    with pytest.raises(InputFileError, match="8 features and 2 barcodes"):
        read_expression(tmp_path)
    (tmp_path / "features.tsv").unlink()
    with pytest.raises(MissingFileError, match="no features.tsv or genes.tsv".replace(".", r"\.")):
        read_expression(tmp_path)


def test_anndata(tmp_path):
    import anndata
    import pandas as pd

    data = anndata.AnnData(
        X=COUNTS.T / 9.5, obs=pd.DataFrame(index=list("abc")), var=pd.DataFrame(index=GENES),
        layers={"counts": COUNTS.T},
    )  # fmt: skip
    data.write_h5ad(tmp_path / "m.h5ad")
    found = read_expression(tmp_path / "m.h5ad")
    assert found.scale == "counts"
    assert "the layer 'counts' was taken" in found.notes
    np.testing.assert_array_equal(found.values, COUNTS.T)


SERIES = """!Series_geo_accession\t"GSE1"
!Series_platform_id\t"GPL1"
!Sample_title\t"one"\t"two"
!Sample_characteristics_ch1\t"cell type: CTC"\t"cell type: DTC"
!series_matrix_table_begin
"ID_REF"\t"GSM1"\t"GSM2"
{rows}
!series_matrix_table_end
"""


def test_series_matrix(tmp_path):
    from marrowtrace.expression.series_matrix import parse_series_matrix

    text = SERIES.format(rows="\n".join(f'"{g}"\t{i}.5\t{i}.25' for i, g in enumerate(GENES)))
    series = parse_series_matrix(text, "x")
    assert series.table["cell_type"].to_list() == ["CTC", "DTC"]
    found = read_expression(written(tmp_path, text, "GSE1_series_matrix.txt"))
    assert found.samples == ("GSM1", "GSM2")
    assert found.scale == "log"
    with pytest.raises(InputFileError, match="was the download cut"):
        parse_series_matrix(text.replace("!series_matrix_table_end", ""), "x")
    with pytest.raises(InputFileError, match="table is empty, as for series of sequencing"):
        parse_series_matrix(SERIES.format(rows=""), "x")


def test_series_matrix_with_probes(tmp_path):
    text = SERIES.format(rows="\n".join(f"p{i}\t{i}.5\t{i}.25" for i in range(8)))
    path = written(tmp_path, text, "GSE1.txt")
    with pytest.raises(InputFileError, match="no gene name is recognised"):
        read_expression(path)
    names = "ID\tGene Symbol\n" + "".join(f"p{i}\t{g} /// X\n" for i, g in enumerate(GENES))
    platform = written(tmp_path, "# header\n" + names, "gpl.txt")
    assert read_expression(path, platform=platform).genes == tuple(GENES)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (table(COUNTS / 9.5, GENES, "abc"), {"scale": "counts"}, "given as counts, but the values "
         "are not whole numbers"),
        (table(COUNTS * 9.0 - 400.5, GENES, "abc"), {}, "counts are never below 0"),
        (table(COUNTS * [1, 0, 1], GENES, "abc"), {}, "1 sample.s. have no gene above 0 .b.;"),
        (table(np.ones((8, 8)) * 3, GENES, GENES), {}, "gene names stand in the rows .8 recognised."
         " and in the columns"),
        (table(COUNTS, [f"x{i}" for i in range(8)], "abc"), {}, "no gene name is recognised"),
        (table(COUNTS, GENES, ["a", "a", "b"]), {}, "1 sample name.s. stand twice, e.g. 'a'"),
        (table([["1", "x", "2"], *COUNTS[1:]], GENES, "abc"), {}, "column 'b' holds 1 value.s. "
         "that are no numbers, e.g. 'x'"),
        (table([["", 1, 2], *COUNTS[1:]], GENES, "abc"), {}, "1 value.s. are missing"),
        ("a,b,c\n", {}, "has no rows"),
        ("abc\ndef\n", {}, "no comma, tab or semicolon"),
        ("a,b,c\nx,1\n", {}, "header has 3 fields, the next line 2"),
        (table(COUNTS, GENES, "abc"), {"scale": "logs"}, "scale 'logs' is unknown"),
        (table(COUNTS * 99.5, GENES, "abc"), {"scale": "log"}, "given as 'log', but its values go"),
    ],
)  # fmt: skip
def test_bad_input(tmp_path, text, options, message):
    with pytest.raises(InputFileError, match=message):
        read_expression(written(tmp_path, text), **options)


def test_files_that_are_none(tmp_path):
    with pytest.raises(MissingFileError):
        read_expression(tmp_path / "absent.csv")
    broken = tmp_path / "m.csv.gz"
    broken.write_bytes(b"\x1f\x8b nonsense")
    with pytest.raises(InputFileError, match="cannot be read"):
        read_expression(broken)
    (tmp_path / "x").mkdir()
    twice = [written(tmp_path, table(COUNTS, GENES, "abc")),
             written(tmp_path / "x", table(COUNTS, GENES, "abc"))]  # fmt: skip
    with pytest.raises(InputFileError, match="two matrices are called 'm'"):
        read_many(twice)
