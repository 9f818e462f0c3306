import polars as pl
import pytest

from marrowtrace.errors import InputFileError
from marrowtrace.expression.samples import describe_samples, read_table
from tests.expression.made_expression import made


def sheet(n: int = 3, **columns: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"cell": [f"made_{i}" for i in range(n)], **columns})


def test_types_of_whole_matrices():
    found = describe_samples([made(2, name="a"), made(3, name="b")], types=["CTC", "DTC"])
    assert found.column("type") == ["CTC"] * 2 + ["DTC"] * 3
    assert found.column("study") == ["a"] * 2 + ["b"] * 3


def test_metadata_is_matched_by_its_best_column_whatever_the_spelling():
    table = sheet(5, condition=list("vwxyz")).with_columns(
        pl.col("cell").str.replace("_", "-").str.to_uppercase()
    )
    found = describe_samples([made(3)], metadata=table)
    assert found.column("type") == ["v", "w", "x"]
    assert "2 row(s) of the table are of other samples" in found.notes


def test_yes_and_no_become_readable():
    found = describe_samples([made(2)], metadata=sheet(2, high=["True", "False"]),
                             columns={"type": "high"})  # fmt: skip
    assert found.column("type") == ["high true", "high false"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"types": ["CTC", "DTC"]}, "--types: names 2 .CTC, DTC. for 1 matrix"),
        ({"types": [" "]}, "the name of matrix 1 is empty"),
        ({"metadata": sheet(2)}, "no row for 1 of 3 samples, e.g. 'made_2'"),
        ({"metadata": sheet(3, typ=["a"] * 3), "columns": {"type": "type"}},
         "no column 'type' in the metadata table; did you mean 'typ'"),
        ({"metadata": sheet(3, type=["a", "", "b"])}, "column 'type' is empty for 1 sample"),
        ({"metadata": pl.concat([sheet(3), sheet(1)])}, "sample 'made_0' stands twice"),
    ],
)  # fmt: skip
def test_faults(options, message):
    with pytest.raises(InputFileError, match=message):
        describe_samples([made(3)], **options)


def test_tables(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("sample;type\na;CTC\n")
    assert read_table(path).to_dicts() == [{"sample": "a", "type": "CTC"}]
    path.write_text("sample;type\n")
    with pytest.raises(InputFileError, match="no rows"):
        read_table(path)
