import pytest

from marrowtrace.expression.genes import HOUSEKEEPING, excel_date, gene_map, name_genes
from marrowtrace.expression.programs import conflicts, program, programs


def test_old_symbols_are_renamed():
    named = name_genes(["CTGF", "HIST1H2BK", "GAPDH", "ACTB"])
    assert named.names == ("CCN2", "H2BC12", "GAPDH", "ACTB")
    assert ("CTGF", "CCN2") in named.renamed


def test_an_old_symbol_stays_where_the_new_one_stands_too():
    assert name_genes(["CTGF", "CCN2"]).names == ("CTGF", "CCN2")


def test_ensembl_ids_with_versions():
    named = name_genes(["ENSG00000141736.14", "ENSG00000141510", "ENSG00000000003"])
    assert named.names == ("ERBB2", "TP53", "ENSG00000000003")
    assert named.kind == "Ensembl"
    assert named.unmapped == ("ENSG00000000003",)


@pytest.mark.parametrize(
    ("mouse", "human"),
    [("H2-K1", "HLA-A"), ("H2-D1", "HLA-B"), ("B2m", "B2M"), ("Trp53", "TP53"), ("Mki67", "MKI67"),
     ("Cd24a", "CD24"), ("Fasl", "FASLG"), ("ENSMUSG00000059552.13", "TP53")],
)  # fmt: skip
def test_mouse(mouse, human):
    named = name_genes([mouse, "Actb", "Gapdh", "Cdh1"])
    assert named.species == "mouse"
    assert named.names[0] == human


def test_mouse_genes_beyond_the_map_go_by_capitals():
    named = name_genes(["Actb", "Gapdh", "Gnai3"])
    assert named.names[2] == "GNAI3"
    assert named.by_capitals == 1


@pytest.mark.parametrize(
    ("written", "gene"),
    [("1-Mar", "MARCHF1"), ("2-Sep", "SEPTIN2"), ("Sep-14", "SEPTIN14"), ("01-Dec", "DELEC1"),
     ("2001-09-07 00:00:00", "SEPTIN7"), ("7-Sept", "SEPTIN7"), ("15-Sep", None), ("MARK1", None),
     ("SEPTIN7", None), ("DEC1", None)],
)  # fmt: skip
def test_excel_dates(written, gene):
    assert excel_date(written) == gene


def test_repaired_dates_are_listed():
    named = name_genes(["1-Mar", "2-Sep", "ACTB"])
    assert named.names[:2] == ("MARCHF1", "SEPTIN2")
    text = " ".join(named.notes())
    assert "'1-Mar' to MARCHF1" in text
    assert "MTARC1" in text


def test_duplicates_are_counted():
    assert name_genes(["ACTB", "ACTB", "GAPDH"]).duplicates == (("ACTB", 2),)


def test_the_map_covers_every_gene_of_the_programs():
    wanted = {gene for each in programs() for gene in each.genes} | set(HOUSEKEEPING)
    assert wanted <= gene_map().symbols
    assert not set(gene_map().aliases) & gene_map().symbols


def test_programs():
    assert len(programs()) == 44
    assert len({gene for each in programs() for gene in each.genes}) == 615  # NOG, DKK1: no sign
    assert program("rank_axis").down == ("TNFRSF11B",)
    assert "ASNS" in conflicts()
    assert "upr (up)" in conflicts()["ASNS"]
    assert "dormancy_kim2012 (down)" in conflicts()["ASNS"]
    with pytest.raises(LookupError, match="did you mean 'stem_like'"):
        program("stemlike")
