"""The rows of a file into the tables of a cohort, each with the line it came from."""

from __future__ import annotations

import polars as pl

from marrowtrace.cohort import table
from marrowtrace.errors import ProblemList
from marrowtrace.io.fields import FieldReader, Rows
from marrowtrace.io.header_units import amount_in_header, unit_in_header
from marrowtrace.io.mapping import Block, Field, FileMapping
from marrowtrace.io.mapping_file import examined_unit
from marrowtrace.io.notes import Note, counted, listed
from marrowtrace.units import Unit

LINE = "\0line"  # no header can be called so


class TableMaker:
    """Makes the tables that the blocks of a mapping describe.

    Parameters
    ----------
    mapping : FileMapping
    reader : FieldReader
    problems : ProblemList
    notes : list of Note
    """

    def __init__(
        self,
        mapping: FileMapping,
        reader: FieldReader,
        problems: ProblemList,
        notes: list[Note],
    ) -> None:
        self.mapping, self.reader = mapping, reader
        self.problems, self.notes = problems, notes
        self._word = "line"

    def tables(self, rows: Rows) -> dict[str, pl.DataFrame]:
        """Return every table that a mapping can fill, with the column `LINE`."""
        self._word = rows.sheet.line_word
        made: dict[str, list[pl.DataFrame]] = {name: [] for name in (
            "patients", "treatments", "samples", "enumerations", "measurements", "follow_up")
        }  # fmt: skip
        made["patients"].append(self.patients(rows))
        for block in self.mapping.treatments:
            made["treatments"].append(self.treatments(block, self._chosen(block, rows)))
        for block in self.mapping.samples:
            for name, frame in self.samples(block, self._chosen(block, rows)).items():
                made[name].append(frame)
        for block in self.mapping.follow_up:
            made["follow_up"].append(self.follow_up(block, self._chosen(block, rows)))
        whole = {
            name: pl.concat(frames, how="diagonal_relaxed")
            if frames
            else table(name).empty().with_columns(pl.lit(None, pl.Int64).alias(LINE))
            for name, frames in made.items()
        }
        for name in ("samples", "enumerations", "treatments"):
            self._once(name, whole[name])
        return whole

    def patients(self, rows: Rows) -> pl.DataFrame:
        """One row a patient; rows of one patient must agree."""
        block = self.mapping.patients
        frame = self._frame(block, rows, skip=("patient_id",))
        frame = frame.insert_column(0, rows.patient.alias("patient_id"))
        return self._agree(
            frame, ("patient_id",), block,
            "the rows of a patient must agree here; if it changes from sample to sample, move it "
            "to 'extra' of the samples",
        )  # fmt: skip

    def treatments(self, block: Block, rows: Rows) -> pl.DataFrame:
        """One row a course; rows without a start have none."""
        frame = self._frame(block, rows)
        frame = frame.insert_column(0, rows.patient.alias("patient_id"))
        dose = block.fields.get("dose")
        if dose is not None:
            frame = frame.with_columns(pl.lit(dose.unit, pl.String).alias("dose_unit"))
        others = [
            name for name, f in block.fields.items() if f.source in {"column", "date"}
            and name != "start"
        ]  # fmt: skip
        self._require(block, frame, "start", [name for name in others if name in frame.columns])
        self._note_absent(block, frame, pl.col("start").is_null(), "a course")
        if "stop" in frame.columns:
            self._ordered(block, frame, "start", "stop", "end before they start")
        frame = frame.filter(pl.col("start").is_not_null())
        return frame.unique([c for c in frame.columns if c != LINE], keep="first",
                            maintain_order=True)  # fmt: skip

    def samples(self, block: Block, rows: Rows) -> dict[str, pl.DataFrame]:
        """Samples of a block with their counts and measurements, by table."""
        frame = self._frame(block, rows, skip=("sample_id",))
        given = block.fields.get("sample_id")
        ids = (
            self.reader.read(given, rows)
            if given is not None
            else (rows.patient + f"_{block.name}").alias("sample_id")
        )
        frame = frame.insert_column(0, rows.patient.alias("patient_id")).insert_column(0, ids)
        counts = [self.enumerations(part, rows, ids) for part in block.enumerations]
        counted_ = [f.filter(self._assayed()) for f in counts]
        measured = self.measurements(block, rows, ids)
        taken = self._taken(block, frame, counts, measured, len(rows))
        self._note_absent(block, frame, ~taken, "such a sample")
        if given is not None:
            self._need(block, given, rows, taken & ids.is_null(), "have a sample, but no id of it")
        for name in ("time", "site"):
            field = block.fields[name]
            if field.source != "value" and not self._bad(field):
                lacking = taken & frame[name].is_null()
                self._need(block, field, rows, lacking, f"have a count or value, but no {name}")
        known = taken & ids.is_not_null()
        hint = (
            "rows of one sample must agree here"
            if given is not None
            else "say sample_id = '...' (a column) or sample_id = { row_number = 'S' } if each row "
            "is a sample of its own"
        )
        samples = self._agree(frame.filter(known), ("sample_id", "patient_id"), block, hint)
        made = {"samples": samples}
        if counts:
            every = pl.concat(counted_, how="diagonal_relaxed")
            made["enumerations"] = self._examined(every)
        if measured.height:
            made["measurements"] = self._agree(measured, ("sample_id", "analyte"), block, hint)
        return made

    def enumerations(self, block: Block, rows: Rows, ids: pl.Series) -> pl.DataFrame:
        """All rows of a block of counts, also those that were not assayed."""
        frame = self._frame(block, rows, skip=("examined",))
        frame = frame.insert_column(0, ids.alias("sample_id"))
        for name, dtype in (("count", pl.Int64), ("positive", pl.Boolean)):
            if name not in frame.columns:
                frame = frame.with_columns(pl.lit(None, dtype).alias(name))
        hidden = ~rows.where(block.where)
        frame = frame.with_columns(
            *(
                pl.when(pl.lit(hidden)).then(None).otherwise(pl.col(name)).alias(name)
                for name in ("count", "positive")
            )
        )
        amount, unit = self._amount(block, rows)
        place = block.place
        return frame.with_columns(
            amount.alias("examined"), pl.lit(unit, pl.String).alias("examined_unit"),
            pl.lit(place).alias("place"),
        )  # fmt: skip

    def measurements(self, block: Block, rows: Rows, ids: pl.Series) -> pl.DataFrame:
        """Analytes of a block, one row a sample and analyte; empty values have no row."""
        frames = [
            pl.DataFrame(
                {
                    "sample_id": ids,
                    "analyte": pl.Series([analyte]).new_from_index(0, len(rows)),
                    "value": self.reader.read(field, rows),
                    "unit": pl.Series([field.unit], dtype=pl.String).new_from_index(0, len(rows)),
                    LINE: rows.lines,
                }
            ).with_row_index("row")
            for analyte, field in block.measurements.items()
        ]
        if not frames:
            return pl.DataFrame(schema={"row": pl.UInt32, "sample_id": pl.String})
        return pl.concat(frames).filter(pl.col("value").is_not_null()).drop("row")

    def follow_up(self, block: Block, rows: Rows) -> pl.DataFrame:
        """One row a patient; rows of one patient must agree."""
        written = block.place.partition(".")[2].strip('"')
        if written != block.name:
            self._say("synonym", block.place, f"understood as endpoint {block.name}")
        frame = self._frame(block, rows)
        if "entry" not in frame.columns:
            frame = frame.with_columns(pl.lit(0.0).alias("entry"))
        frame = frame.with_columns(
            pl.lit(block.name).alias("endpoint"), rows.patient.alias("patient_id")
        )
        self._require(block, frame, "event", ["time"])
        self._require(block, frame, "time", ["event"])
        absent = pl.col("time").is_null() & pl.col("event").is_null()
        self._note_absent(block, frame, absent, "a follow-up")
        frame = frame.filter(~absent)
        self._ordered(block, frame, "entry", "time", "have the event or the end before the entry")
        if frame.height and "entry" in block.fields:
            self._require(block, frame, "entry", ["time"])
        order = ["patient_id", "endpoint", "entry", "time", "event", LINE]
        return self._agree(
            frame.select(order), ("patient_id", "endpoint"), block,
            "the rows of a patient must agree here; choose the rows with where = { ... }",
        )  # fmt: skip

    def _chosen(self, block: Block, rows: Rows) -> Rows:
        if not block.where:
            return rows
        mask = rows.where(block.where)
        if not mask.any():
            held = [
                f"'{header}' holds {listed(rows.sheet.words(header), shown=6)}"
                for header in block.where
            ]
            self.problems.add(f"{block.place}.where", f"is met by no row; {'; '.join(held)}")
        left = len(rows) - int(mask.sum())
        if left:
            message = f"{left} row(s) do not meet its condition (where)"
            self.notes.append(Note("row", block.place, message, left))
        return rows.filter(mask)

    def _frame(self, block: Block, rows: Rows, *, skip: tuple[str, ...] = ()) -> pl.DataFrame:
        """Read the fields of a block into columns, in the order of the table."""
        read = {
            name: self.reader.read(block.fields[name], rows)
            for name in table(block.table).names
            if name in block.fields and name not in skip
        }
        read |= {name: self.reader.read(field, rows) for name, field in block.extra.items()}
        return pl.DataFrame({**read, LINE: rows.lines})

    def _amount(self, block: Block, rows: Rows) -> tuple[pl.Series, str | None]:
        """Return the amount examined in each row and its unit."""
        field, count = block.fields.get("examined"), block.fields.get("count")
        in_header = amount_in_header(count.column) if count is not None and count.column else None
        nothing = pl.Series([None], dtype=pl.Float64)
        if field is None:
            if in_header is None or count is None:
                return nothing.new_from_index(0, len(rows)), None
            self._say(
                "unit", f"column '{count.column}'",
                f"amount examined, {in_header[0]:g} {in_header[1]}, taken from the header",
            )  # fmt: skip
            return pl.Series([in_header[0]]).new_from_index(0, len(rows)), in_header[1]
        unit, factor = self._amount_unit(field)
        values = self.reader.read(field, rows) * factor
        if in_header is not None and field.source == "value" and len(values):
            amount, wanted = in_header
            if (wanted, amount) != (unit, values[0]) and count is not None:
                self._say(
                    "unit", f"column '{count.column}'",
                    f"the header says {amount:g} {wanted}, the mapping {values[0]:g} {unit}; "
                    "the mapping was followed",
                )  # fmt: skip
        return values, unit

    def _amount_unit(self, field: Field) -> tuple[str | None, float]:
        if field.unit is not None:
            return examined_unit(field.unit)
        for dimension in (Unit.ML.dimension, Unit.CELL.dimension):
            unit = unit_in_header(field.column, dimension) if field.column else None
            if unit is not None:
                self._say("unit", f"column '{field.column}'", f"unit '{unit}' from the header")
                return examined_unit(unit.symbol)
        self.problems.add(
            field.place, "has no unit; say unit = 'mL', or unit = 'nucleated_cells' for cells"
        )
        return None, 1.0

    @staticmethod
    def _assayed() -> pl.Expr:
        return pl.col("count").is_not_null() | pl.col("positive").is_not_null()

    def _taken(
        self, block: Block, frame: pl.DataFrame, counts: list[pl.DataFrame],
        measured: pl.DataFrame, height: int,
    ) -> pl.Series:  # fmt: skip
        """Mark the rows in which a sample was taken: something was found, or its day is given."""
        if not counts and not block.measurements:
            return frame["time"].is_not_null()
        taken = pl.Series([False]).new_from_index(0, height)
        for part in counts:
            taken |= part.select(self._assayed()).to_series()
        if measured.height:
            taken |= frame[LINE].is_in(measured[LINE].implode())
        if block.fields["time"].source != "value":
            taken |= frame["time"].is_not_null()
        return taken

    def _examined(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Require an amount examined with each count, and merge rows that say the same."""
        lacking = frame.filter(pl.col("count").is_not_null() & pl.col("examined").is_null())
        for place in lacking["place"].unique(maintain_order=True).to_list():
            lines = lacking.filter(pl.col("place") == place)[LINE]
            self.problems.add(
                f"{place}.examined",
                f"{counted(lines, self._word)} have a count, but no amount examined; name its "
                "column, or say examined = { value = 7.5, unit = 'mL' }",
            )
        frame = frame.with_columns(
            pl.when(pl.col("examined").is_not_null()).then(pl.col("examined_unit"))
        ).drop("place")
        return frame.unique(
            [c for c in frame.columns if c != LINE], keep="first", maintain_order=True
        )

    def _agree(
        self, frame: pl.DataFrame, key: tuple[str, ...], block: Block, hint: str
    ) -> pl.DataFrame:
        """Return one row a key, from rows that must not contradict each other."""
        if frame.select(pl.struct(key).n_unique()).item() == frame.height:
            return frame
        values = [c for c in frame.columns if c not in {*key, LINE}]
        merged = frame.group_by(key, maintain_order=True).agg(
            *(pl.col(c).drop_nulls().first() for c in values),
            *(pl.col(c).drop_nulls().n_unique().alias(f"\0{c}") for c in values),
            pl.col(LINE).first(),
        )
        for name in values:
            torn = merged.filter(pl.col(f"\0{name}") > 1)
            if torn.height:
                lines = frame.join(torn.head(50).select(key), on=list(key), how="semi")[LINE]
                field = block.fields.get(name) or block.extra.get(name)
                where = f"column '{field.column}' ({field.place})" if field else block.place
                what = "patient(s)" if key[0] == "patient_id" else "sample(s)"
                self.problems.add(
                    where,
                    f"differs between the rows of {torn.height} {what}, e.g. in "
                    f"{self._word} {', '.join(str(n) for n in lines.head(3).to_list())}; {hint}",
                )
        several = frame.height - merged.height
        self._say("row", block.place, f"{several} row(s) repeat what another row says; merged")
        return merged.select(frame.columns)

    def _once(self, name: str, frame: pl.DataFrame) -> None:
        """Refuse two rows with one key, naming the lines."""
        key = list(table(name).key)
        if not frame.height:
            return
        for column in key:
            if column not in frame.columns:
                frame = frame.with_columns(pl.lit(None, pl.String).alias(column))
        again = frame.filter(pl.struct(key).is_duplicated())
        if again.height:
            self.problems.add(
                name,
                f"{counted(again[LINE], self._word)} give the same {' + '.join(key)} more than "
                "once with other values; each may stand once",
            )

    def _require(self, block: Block, frame: pl.DataFrame, name: str, others: list[str]) -> None:
        """Refuse rows where ``name`` is empty but one of ``others`` is not."""
        field = block.fields[name]
        if field.source == "value" or not others or self._bad(field):
            return
        lacking = frame.filter(
            pl.col(name).is_null() & pl.any_horizontal(pl.col(c).is_not_null() for c in others)
        )
        if lacking.height:
            self.reader.problem(field, lacking[LINE], f"are empty, but have {' or '.join(others)}")

    def _ordered(
        self, block: Block, frame: pl.DataFrame, first: str, second: str, message: str
    ) -> None:
        """Refuse rows where the second day is before the first."""
        wrong = frame.filter(pl.col(second) < pl.col(first))
        if wrong.height:
            row = wrong.row(0, named=True)
            self.problems.add(
                block.place,
                f"{counted(wrong[LINE], self._word)} {message}: {second} is day {row[second]:g}, "
                f"{first} is day {row[first]:g}",
            )

    def _need(
        self, block: Block, field: Field, rows: Rows, lacking: pl.Series, message: str
    ) -> None:
        if lacking.any():
            self.reader.problem(field, rows.lines.filter(lacking), f"{message} ({block.place})")

    def _bad(self, field: Field) -> bool:
        """Return whether values of the field are unreadable already, so that nulls are expected."""
        return any(f"({field.place})" in problem.place for problem in self.problems)

    def _note_absent(
        self, block: Block, frame: pl.DataFrame, absent: pl.Expr | pl.Series, what: str
    ) -> None:
        rows = frame.filter(absent).height
        if rows:
            self._say("row", block.place, f"{rows} row(s) without {what}")

    def _say(self, kind: str, place: str, message: str) -> None:
        note = Note(kind, place, message)
        if note not in self.notes:
            self.notes.append(note)
