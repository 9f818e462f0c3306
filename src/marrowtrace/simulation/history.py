"""What a simulation leaves: the truth about every patient, in columns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace import __version__
from marrowtrace.errors import InputFileError, SimulationError, did_you_mean
from marrowtrace.simulation.layout import BURDENS, CODES, EVENTS, LESION, ORIGINS, PATIENTS, PLACES
from marrowtrace.simulation.scenario import Scenario
from marrowtrace.simulation.scenario_file import from_json, to_json
from marrowtrace.storage import atomic_file, require_file

if TYPE_CHECKING:
    import polars as pl

SCHEMA = "marrowtrace.history/2"
RECORD = "history.json"
_SITES = ("bone", "visceral")
_DEATHS = ("none", "cancer", "other causes")


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """The true course of each patient, a function of scenario, seed and patient number alone.

    Parameters
    ----------
    scenario : Scenario
    seed : int
    patient : ndarray of int64, shape (n,)
        Patient numbers, ascending.
    patients : ndarray of float64, shape (n, len(PATIENTS))
        Columns `marrowtrace.simulation.PATIENTS`; days, infinite for what did not happen.
    burdens : ndarray of float32, shape (n, n_visits + 1, len(BURDENS))
        Columns `marrowtrace.simulation.BURDENS` at each visit, NaN after the end; last row: at the
        first distant relapse.
    lesions : ndarray of LESION, shape (n_lesions,)
        In order of patients.
    offsets : ndarray of int64, shape (n + 1,)
        ``lesions[offsets[i]:offsets[i + 1]]`` are those of row i.
    """

    scenario: Scenario
    seed: int
    patient: NDArray[np.int64]
    patients: NDArray[np.float64]
    burdens: NDArray[np.float32]
    lesions: NDArray[np.void]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.patient.size)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one column of the patients, shape (n,).

        Raises
        ------
        SimulationError
            If there is no such column.
        """
        return self.patients[:, _index(name, PATIENTS, "patients")]

    def burden(self, name: str) -> NDArray[np.float32]:
        """Return one burden at all visits and at relapse, shape (n, n_visits + 1).

        Raises
        ------
        SimulationError
            If there is no such column.
        """
        return self.burdens[:, :, _index(name, BURDENS, "burdens")]

    def row_of(self, patient: int) -> int:
        """Return the row of a patient number.

        Raises
        ------
        SimulationError
            If the history does not hold this patient.
        """
        row = int(np.searchsorted(self.patient, patient))
        if row >= len(self) or self.patient[row] != patient:
            held = f"{self.patient[0]} to {self.patient[-1]}" if len(self) else "none"
            raise SimulationError(f"patient {patient} is not in this history; it holds {held}")
        return row

    def limited(self) -> dict[str, int]:
        """Return how many histories are incomplete, by reason."""
        codes = self.column("code").astype(int)
        return {
            CODES[c]: int((codes == c).sum()) for c in range(1, len(CODES)) if (codes == c).any()
        }

    def patient_table(self) -> pl.DataFrame:
        """Return the patients as a frame; codes in words, times in days, null for never."""
        import polars as pl

        frame = pl.DataFrame({"patient": self.patient}).hstack(
            pl.DataFrame({name: self.patients[:, i] for i, name in enumerate(PATIENTS)})
        )
        times = [name for name in PATIENTS if np.isinf(self.column(name)).any()]
        words = {
            "relapse_site": _SITES,
            "relapse_origin": ORIGINS,
            "death_cause": _DEATHS,
            "code": CODES,
        }
        return frame.with_columns(
            *(
                pl.when(pl.col(t).is_infinite()).then(None).otherwise(pl.col(t)).alias(t)
                for t in times
            ),
            *(
                pl.col(c).cast(pl.Int64).replace_strict(dict(enumerate(w)), default=None).alias(c)
                for c, w in words.items()
            ),
            pl.col("subtype").cast(pl.Int64),
        )

    def burden_table(self) -> pl.DataFrame:
        """Return the burdens as a frame with one row a patient and visit that took place.

        ``visit`` counts from 0; the row at the first distant relapse has ``visit`` null.
        """
        import polars as pl

        visits = self.burdens.shape[1]
        took_place = ~np.isnan(self.burdens[:, :, 0])
        row, visit = np.nonzero(took_place)
        days = np.tile(np.append(self.scenario.visits, np.nan), (len(self), 1))
        days[:, -1] = self.column("distant_relapse")
        values = self.burdens[row, visit]
        return pl.DataFrame(
            {"patient": self.patient[row], "visit": visit, "day": days[row, visit]}
        ).with_columns(
            pl.when(pl.col("visit") == visits - 1)
            .then(None)
            .otherwise(pl.col("visit"))
            .alias("visit"),
            *(pl.Series(name, values[:, i]) for i, name in enumerate(BURDENS)),
        )

    def lesion_table(self) -> pl.DataFrame:
        """Return the lesions as a frame; places, origins and causes in words."""
        import polars as pl

        frame = pl.DataFrame({name: self.lesions[name] for name in LESION.names or ()})
        words = {
            "place": PLACES,
            "origin": ORIGINS,
            "escape_cause": EVENTS,
            "end_cause": EVENTS,
        }
        return frame.with_columns(
            pl.col(c).cast(pl.Int64).replace_strict(dict(enumerate(w)), default=None).alias(c)
            for c, w in words.items()
        ).with_columns(pl.col("seeded", "awakened", "escaped", "detected", "ended").fill_nan(None))

    def save(self, folder: Path) -> None:
        """Write the history to ``folder`` as Parquet, with its scenario and seed.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        write_record(folder, self.scenario, self.seed, len(self), max(1, len(self)))
        write_chunk(folder, 0, self)

    @classmethod
    def load(cls, folder: Path) -> History:
        """Read a history, or the part of one that was finished when it was interrupted.

        Raises
        ------
        MissingFileError, InputFileError
            If the folder holds no history, or one of another version of the format.
        """
        record = read_record(folder)
        scenario = from_json(record["scenario"])
        parts = [
            _read_chunk(folder, int(path.stem.split("-")[1]), scenario, int(record["seed"]))
            for path in sorted(folder.glob("patients-*.parquet"))
        ]
        if not parts:
            raise InputFileError(f"{folder}: no chunk of patients was finished; simulate again")
        return join(parts)


def _index(name: str, names: tuple[str, ...], what: str) -> int:
    if name not in names:
        raise SimulationError(f"no column '{name}' in the {what}{did_you_mean(name, names)}")
    return names.index(name)


def join(parts: list[History]) -> History:
    """Return the histories of several ranges of patients as one."""
    if len(parts) == 1:
        return parts[0]
    counts = np.concatenate([np.diff(part.offsets) for part in parts])
    return History(
        parts[0].scenario,
        parts[0].seed,
        np.concatenate([part.patient for part in parts]),
        np.concatenate([part.patients for part in parts]),
        np.concatenate([part.burdens for part in parts]),
        np.concatenate([part.lesions for part in parts]),
        np.concatenate([[0], np.cumsum(counts)]),
    )


def write_record(folder: Path, scenario: Scenario, seed: int, count: int, chunk: int) -> None:
    """Write what was simulated to ``folder``."""
    record = {
        "schema": SCHEMA,
        "version": __version__,
        "seed": seed,
        "patients": count,
        "chunk": chunk,
        "scenario": to_json(scenario),
    }
    with atomic_file(folder / RECORD) as path:
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_record(folder: Path) -> dict[str, Any]:
    """Read what was simulated into ``folder``.

    Raises
    ------
    MissingFileError, InputFileError
    """
    path = require_file(folder / RECORD)
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as err:
        raise InputFileError(f"{path} is not a record of a history: {err}") from err
    if record.get("schema") != SCHEMA:
        raise InputFileError(
            f"{path}: schema is {record.get('schema')!r}, but this version reads '{SCHEMA}'"
        )
    return record


def write_chunk(folder: Path, number: int, part: History) -> None:
    """Write one range of patients; the patients' file comes last and marks the chunk as whole."""
    import polars as pl

    took_place = ~np.isnan(part.burdens[:, :, 0])
    row, visit = np.nonzero(took_place)
    values = part.burdens[row, visit]
    frames = {
        "burdens": pl.DataFrame(
            {"row": row.astype(np.int32), "visit": visit.astype(np.int16)}
            | {name: values[:, i] for i, name in enumerate(BURDENS)}
        ),
        "lesions": pl.DataFrame({name: part.lesions[name] for name in LESION.names or ()}),
        "patients": pl.DataFrame(
            {"patient": part.patient, "lesions": np.diff(part.offsets)}
            | {name: part.patients[:, i] for i, name in enumerate(PATIENTS)}
        ),
    }
    for name, frame in frames.items():
        with atomic_file(folder / f"{name}-{number:06d}.parquet") as path:
            frame.write_parquet(path, compression="zstd")


def _read_chunk(folder: Path, number: int, scenario: Scenario, seed: int) -> History:
    import polars as pl

    def read(name: str) -> pl.DataFrame:
        path = require_file(folder / f"{name}-{number:06d}.parquet")
        try:
            return pl.read_parquet(path)
        except (pl.exceptions.PolarsError, OSError) as err:
            raise InputFileError(f"{path} cannot be read as Parquet: {err}") from err

    table, seen, found = read("patients"), read("burdens"), read("lesions")
    count = table.height
    burdens = np.full((count, len(scenario.visits) + 1, len(BURDENS)), np.nan, np.float32)
    burdens[seen["row"].to_numpy(), seen["visit"].to_numpy()] = seen.select(BURDENS).to_numpy()
    lesions = np.empty(found.height, LESION)
    for name in LESION.names or ():
        lesions[name] = found[name].to_numpy()
    return History(
        scenario,
        seed,
        table["patient"].to_numpy().copy(),
        table.select(PATIENTS).to_numpy().copy(order="C"),
        burdens,
        lesions,
        np.concatenate([[0], np.cumsum(table["lesions"].to_numpy())]),
    )
