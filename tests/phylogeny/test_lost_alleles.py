import numpy as np

from marrowtrace.phylogeny.copy_numbers import CopyNumbers
from marrowtrace.phylogeny.lost_alleles import lost_alleles
from marrowtrace.phylogeny.patient import bundled_patient
from marrowtrace.phylogeny.sample_mutations import SampleMutations

ALLELES = np.array([[[1, 1, 2], [1, 1, 2]], [[1, 1, 0], [0, 1, 0]]])
COPIES = CopyNumbers(
    ("p", "b"), ("primary", "bone_marrow"), ("chr1", "chr1", "2"), np.array([1, 51, 1]),
    np.array([50, 100, 100]), ALLELES.sum(axis=0), ALLELES,
)  # fmt: skip
NAMES = ("1:20:A>T", "chr1_70", "2:30:C>G", "3:5:A>C", "TP53")
SAMPLES = SampleMutations(
    ("p", "b"), ("primary", "bone_marrow"), NAMES, ccf=np.ones((2, len(NAMES)))
)


def test_an_allele_lost_since():
    lost = lost_alleles(SAMPLES, COPIES, "primary")
    assert lost[1].tolist() == [True, False, False, False, False]
    assert not lost[0].any()


def test_nothing_known_nothing_lost():
    without = CopyNumbers(
        COPIES.samples, COPIES.sites, COPIES.chromosomes, COPIES.start, COPIES.end, COPIES.total
    )
    assert not lost_alleles(SAMPLES, without, "primary").any()
    assert not lost_alleles(SAMPLES, COPIES, "unknown").any()


def test_a22_has_lost_alleles_in_metastases():
    patient = bundled_patient("A22")
    lost = lost_alleles(patient.samples, patient.copies, "prostate")
    assert lost.any()
    assert not lost[patient.samples.sites.index("prostate")].any()
