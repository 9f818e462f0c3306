import numpy as np
import pytest

from marrowtrace.errors import InputFileError
from marrowtrace.phylogeny.bundled import bundled_file
from marrowtrace.phylogeny.lost_alleles import lost_alleles, read_segments
from marrowtrace.phylogeny.sample_mutations import SampleMutations

TABLE = """sample\tchrom\tstart\tend\tcn_major\tcn_minor
p\tchr1\t1\t100\t1\t1
p\t2\t1\t100\t2\t0
b\t1\t1\t50\t1\t0
b\t1\t51\t100\t1\t1
b\t2\t1\t100\t2\t0
"""


def test_an_allele_lost_since(tmp_path):
    file = tmp_path / "segments.tsv"
    file.write_text(TABLE)
    names = ("1:20:A>T", "chr1_70", "2:30:C>G", "3:5:A>C", "TP53")
    samples = SampleMutations(
        ("p", "b"), ("primary", "bone_marrow"), names, ccf=np.ones((2, len(names)))
    )
    lost = lost_alleles(samples, read_segments(file), "primary")
    assert lost[1].tolist() == [True, False, False, False, False]
    assert not lost[0].any()


def test_segments_of_a22():
    assert read_segments(bundled_file("A22.segments.tsv")).height > 1000


def test_a_column_that_is_missing(tmp_path):
    file = tmp_path / "segments.tsv"
    file.write_text("sample\tchrom\nA\t1\n")
    with pytest.raises(InputFileError, match="no column start, end, cn_major, cn_minor"):
        read_segments(file)
