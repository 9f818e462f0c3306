"""All that is known of one patient for a phylogeny: mutations, copy numbers, a clone tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from marrowtrace import terms
from marrowtrace.errors import CatalogError, InputFileError, did_you_mean
from marrowtrace.phylogeny.bundled import bundled_file
from marrowtrace.phylogeny.clone_tree import CloneTree
from marrowtrace.phylogeny.clone_tree_file import read_clone_tree
from marrowtrace.phylogeny.copy_numbers import CopyNumbers
from marrowtrace.phylogeny.copy_numbers_file import read_copy_numbers
from marrowtrace.phylogeny.sample_mutations import SampleMutations
from marrowtrace.phylogeny.sample_mutations_file import read_sample_mutations
from marrowtrace.phylogeny.single_cell_file import CellFile, read_cells

UNKNOWN = "unknown"
BUNDLED = MappingProxyType(
    {"A22": "prostate", "CRC1": "primary", "CRC2": "primary"}
)  # name to primary


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientData:
    """What is known of one patient.

    Parameters
    ----------
    name : str
    primary : str
        Site of the primary, or ``unknown``.
    cells : CellFile, optional
        Single cells as read, normal cells and doublets among them.
    samples : SampleMutations, optional
        Bulk samples. Cells or samples must be given.
    copies : CopyNumbers, optional
    tree : CloneTree, optional

    Raises
    ------
    InputFileError
        If there are neither cells nor samples, or both, or the primary is no site of theirs.
    """

    name: str
    primary: str = UNKNOWN
    cells: CellFile | None = None
    samples: SampleMutations | None = None
    copies: CopyNumbers | None = None
    tree: CloneTree | None = None

    def __post_init__(self) -> None:
        if (self.cells is None) == (self.samples is None):
            raise InputFileError(f"'{self.name}' needs either single cells or bulk samples")
        if self.primary != UNKNOWN and self.primary not in self.sites:
            raise InputFileError(
                f"the primary '{self.primary}' is not a site of '{self.name}'"
                f"{did_you_mean(self.primary, self.sites)}; it has: {', '.join(self.sites)}; say "
                "'unknown' if the primary gave no sample"
            )

    @property
    def sites(self) -> tuple[str, ...]:
        """Sites of the cells or samples, in order of first appearance."""
        if self.cells is not None:
            return self.cells.cells.site_names
        assert self.samples is not None
        return self.samples.site_names


def bundled_patient(name: str, *, primary: str | None = None) -> PatientData:
    """Return a patient who comes with marrowtrace: A22, CRC1 or CRC2.

    Parameters
    ----------
    name : str
    primary : str, optional
        Another primary than the published one, or ``unknown``.

    Raises
    ------
    CatalogError
        If there is no such patient.
    InputFileError
        If the primary is no site of the patient.

    Examples
    --------
    >>> bundled_patient("CRC1").sites
    ('liver', 'primary')
    """
    if name not in BUNDLED:
        raise CatalogError(
            f"there is no bundled patient '{name}'{did_you_mean(name, tuple(BUNDLED))}; there are: "
            f"{', '.join(BUNDLED)}"
        )
    at = BUNDLED[name] if primary is None else primary
    if name == "A22":
        samples = read_sample_mutations(bundled_file("A22.mutations.csv"))
        sites = dict(zip(samples.samples, samples.sites, strict=True))
        return PatientData(
            name=name,
            primary=at,
            samples=samples,
            copies=read_copy_numbers(bundled_file("A22.segments.tsv"), sites=sites),
            tree=read_clone_tree(bundled_file("A22.tree"), bundled_file("A22.observed.labeling")),
        )
    if name == "CRC1":
        cells = read_cells(
            bundled_file("CRC1.SPhyR.input"), bundled_file("CRC1.cells.tsv"), form="sphyr",
            cell_names=bundled_file("CRC1_cell.labels"),
            mutation_names=bundled_file("CRC1_SNV.labels"),
        )  # fmt: skip
    else:
        cells = read_cells(bundled_file("CRC2.csv"), bundled_file("CRC2.cells.tsv"), form="scarlet")
    return PatientData(name=name, primary=at, cells=cells)


def likely_primary(sites: tuple[str, ...]) -> str:
    """Return the site whose name says primary, else ``unknown``.

    Examples
    --------
    >>> likely_primary(("marrow", "primary tumour")), likely_primary(("marrow", "liver"))
    ('primary tumour', 'unknown')
    """
    found = [site for site in sites if terms.SITE.normalise(site) == "primary"]
    return found[0] if len(found) == 1 else UNKNOWN


def sites_of_samples(data: SampleMutations) -> Mapping[str, str]:
    """Return the site of each sample."""
    return dict(zip(data.samples, data.sites, strict=True))


def same_name(path: Path | str) -> str:
    """Return the name of a patient's file without its endings.

    Examples
    --------
    >>> same_name("folder/P7.mutations.csv")
    'P7'
    """
    return Path(path).name.split(".")[0]
