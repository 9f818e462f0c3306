from __future__ import annotations

import pytest

from marrowtrace.errors import EvidenceError, InputFileError, MissingFileError
from marrowtrace.evidence.curve_files import patient_rows, reconstruct_file


@pytest.fixture
def files(tmp_path):
    """Ten patients, events at 1, 2, 3, the rest seen to 4."""
    curve, risk = tmp_path / "curve.csv", tmp_path / "risk.csv"
    curve.write_text("time,survival\n0,1\n1,0.9\n2,0.8\n3,0.7\n4,0.7\n")
    risk.write_text("time,at_risk\n0,10\n2,9\n4,7\n")
    return curve, risk


def test_patients_of_a_curve_without_censoring(files):
    curve, risk = files
    made = reconstruct_file(curve, at_risk=risk, total_events=3)
    rows = patient_rows(made, name="control")
    assert rows.columns == ["time", "event", "arm"]
    assert rows["time"].to_list() == [1, 2, 3] + [4] * 7
    assert rows["event"].to_list() == [1] * 3 + [0] * 7
    assert set(rows["arm"]) == {"control (reconstructed)"}
    assert set(patient_rows(made)["arm"]) == {"reconstructed"}


def test_a_byte_order_mark_and_other_columns_do_no_harm(files):
    curve, risk = files
    curve.write_text("\ufefftime,x,survival\n0,a,1\n1,b,0.9\n", encoding="utf-8")
    assert reconstruct_file(curve, at_risk=risk.parent / "risk.csv").at_risk_printed[0] == 10


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time,survial\n0,1\n", r"survival: is not among the columns.*did you mean 'survial'"),
        ("", r"is not among the columns \(none\)"),
        ("time,survival\n", "holds no rows below its heading"),
        (
            "time,survival\n0,1\n1,high\n2,\n",
            r"(?s)line 3.survival: 'high' is not a number.*line 4",
        ),
        ("time,survival\n0,1\n1\n", "line 3.survival: '' is not a number"),
        ("time,survival\n0,1\n1,nan\n", "'nan' is not a number"),
        ('time,survival\n0,"1\n', "is not valid CSV near line"),
    ],
)
def test_bad_curves(files, text, words):
    curve, risk = files
    curve.write_text(text)
    with pytest.raises(InputFileError, match=words):
        reconstruct_file(curve, at_risk=risk)


def test_bad_files(files, tmp_path):
    curve, risk = files
    with pytest.raises(MissingFileError, match=r"no file .*did you mean 'curve.csv'"):
        reconstruct_file(tmp_path / "curv.csv", at_risk=risk)
    risk.write_text("time,at_risk\n0,10.5\n")
    with pytest.raises(InputFileError, match=r"line 2.at_risk: '10.5' is not a whole number"):
        reconstruct_file(curve, at_risk=risk)
    curve.write_bytes(b"time,survival\n0,\xff\n")
    with pytest.raises(InputFileError, match="is not UTF-8 text"):
        reconstruct_file(curve, at_risk=risk)
    curve.write_text("time,survival\n0,100\n1,90\n")
    risk.write_text("time,at_risk\n0,10\n")
    with pytest.raises(EvidenceError, match="look like per cent"):
        reconstruct_file(curve, at_risk=risk)
