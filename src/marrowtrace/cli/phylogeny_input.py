"""What ``marrowtrace phylogeny run`` is given: which reader for which file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marrowtrace.phylogeny.clone_tree import CloneTree
    from marrowtrace.phylogeny.patient import PatientData

NEWICK = (".nwk", ".newick", ".new", ".nw")
MAF = (".maf", ".maf.gz")


def locate(name: str) -> Path:
    """Return the file of that name, else the bundled one."""
    from marrowtrace.phylogeny.bundled import bundled_files

    path = Path(name)
    return path if path.exists() or "/" in name else bundled_files().get(name, path)


def read_tree(tree: str, labeling: str) -> CloneTree:
    """Read a clone tree and its sites; of a Newick tree names and parents are taken.

    Raises
    ------
    MissingFileError, InputFileError
        If a file cannot be read, or they make no tree.
    """
    from marrowtrace.errors import InputFileError
    from marrowtrace.phylogeny.clone_tree import ROOT, CloneTree
    from marrowtrace.phylogeny.clone_tree_file import read_clone_tree, read_labeling

    files = [locate(name) for name in (tree, labeling)]
    if files[0].suffix.lower() not in NEWICK:
        return read_clone_tree(*files)
    from marrowtrace.io.newick import read_newick

    trees = read_newick(files[0])
    if len(trees) > 1:
        raise InputFileError(f"'{files[0].name}' holds {len(trees)} trees; one is wanted")
    names = [name or f"node_{node}" for node, name in enumerate(trees[0].names)]
    return CloneTree.from_edges(
        [
            (names[parent], names[node])
            for node, parent in enumerate(trees[0].parents)
            if parent != ROOT
        ],
        read_labeling(files[1]),
        where=f"'{files[0].name}' with '{files[1].name}'",
    )


def read_input(
    source: str,
    *,
    primary: str | None = None,
    labels: Path | None = None,
    form: str | None = None,
    cell_names: Path | None = None,
    mutation_names: Path | None = None,
    patient: str | None = None,
    copies: Path | None = None,
    tree: tuple[str, str] | None = None,
) -> PatientData:
    """Read what is known of one patient.

    Parameters
    ----------
    source : str
        A bundled patient, a folder of a cohort (with ``patient``), an ``.h5ad`` file, a MAF (with
        ``labels``), a file of single cells (with ``form`` and ``labels``), or a table of samples.
    primary : str, optional
        By default the site whose name says so.
    labels : Path, optional
        Table of the sites of cells or samples.
    form : str, optional
        scite, sphyr, condor or scarlet.
    cell_names, mutation_names : Path, optional
        For forms without names.
    patient : str, optional
        Which patient of a cohort.
    copies : Path, optional
        MEDICC2's table, a table of segments, or SEG.
    tree : tuple of (str, str), optional
        Clone tree and labelling.

    Raises
    ------
    MarrowtraceError
        If a file cannot be read, or something needed is not given.
    """
    from marrowtrace.errors import InputFileError
    from marrowtrace.phylogeny.copy_numbers_file import read_copy_numbers
    from marrowtrace.phylogeny.patient import (
        BUNDLED,
        PatientData,
        bundled_patient,
        likely_primary,
        same_name,
    )
    from marrowtrace.phylogeny.sample_mutations import SampleMutations
    from marrowtrace.phylogeny.sample_mutations_file import read_sample_mutations
    from marrowtrace.phylogeny.single_cell_file import read_cell_labels, read_cells

    path = Path(source)
    if source in BUNDLED and not path.exists():
        return bundled_patient(source, primary=primary)
    ending = path.name.lower()
    data: Any
    if path.is_dir():
        data = _of_cohort(path, patient)
    elif form is not None:
        if labels is None:
            raise InputFileError(f"'{path.name}' needs --labels: a table of each cell's site")
        data = read_cells(
            path, labels, form=form, cell_names=cell_names, mutation_names=mutation_names
        )
    elif ending.endswith(".h5ad"):
        from marrowtrace.io.anndata_file import read_matrix
        from marrowtrace.phylogeny.cohort_mutations import cells_of

        data = cells_of(read_matrix(path))
    elif ending.endswith(MAF):
        from marrowtrace.io.maf import read_maf
        from marrowtrace.phylogeny.cohort_mutations import samples_of

        if labels is None:
            raise InputFileError(f"'{path.name}' needs --labels: a table of each sample's site")
        data = samples_of(read_maf(path).matrix, read_cell_labels(labels).sites)
    else:
        data = read_sample_mutations(path)
    bulk = isinstance(data, SampleMutations)
    sites = data.site_names if bulk else data.cells.site_names
    named = dict(zip(data.samples, data.sites, strict=True)) if bulk else None
    if named is None and labels is not None:
        named = read_cell_labels(labels).sites
    return PatientData(
        name=patient or same_name(path),
        primary=likely_primary(sites) if primary is None else primary,
        cells=None if bulk else data,
        samples=data if bulk else None,
        copies=None if copies is None else read_copy_numbers(copies, sites=named),
        tree=None if tree is None else read_tree(*tree),
    )


def _of_cohort(path: Path, patient: str | None) -> Any:
    from marrowtrace.errors import InputFileError
    from marrowtrace.io.folder import load_cohort
    from marrowtrace.phylogeny.cohort_mutations import mutations_of

    cohort = load_cohort(path)
    patients = cohort.patients["patient_id"].to_list()
    if patient is None and len(patients) > 1:
        raise InputFileError(
            f"'{path.name}' holds {len(patients)} patients; name one with --patient, e.g. "
            f"'{patients[0]}'"
        )
    return mutations_of(cohort, patient or patients[0])
