from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from marrowtrace.errors import InputFileError, MissingFileError
from marrowtrace.io.tab_file import TabFile, read_tab_file


def read(tmp_path: Path, content: str | bytes, **options: object) -> TabFile:
    path = tmp_path / "t.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_tab_file(path, **options)


def test_comments_lines_and_missing_words(tmp_path: Path):
    text = '#Patient\tNote\n#x\n\nID\tNOTE\t\nP1\ta "quote\n\nP2\tNA\t\nP3\n'
    file = read(tmp_path, text, missing=["na"])
    assert file.comments == ("Patient\tNote", "x")
    assert file.frame.to_dicts() == [
        {"ID": "P1", "NOTE": 'a "quote'},
        {"ID": "P2", "NOTE": None},
        {"ID": "P3", "NOTE": None},
    ]
    assert file.lines.to_list() == [5, 7, 8]
    assert file.notes == ()


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_line_ends(tmp_path: Path, ends: str):
    assert read(tmp_path, f"A\tB{ends}1\t2{ends}").frame.to_dicts() == [{"A": "1", "B": "2"}]


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", ()),
        ("utf-8-sig", ()),
        ("utf-16", ("t.txt: encoding UTF-16",)),
        ("latin-1", ("t.txt: not UTF-8; read as Windows-1252 (Latin-1)",)),
    ],
)
def test_encodings(tmp_path: Path, encoding: str, note: tuple[str, ...]):
    file = read(tmp_path, "A\tB\nMüller\tß\n".encode(encoding))
    assert file.frame.row(0) == ("Müller", "ß")
    assert file.notes == note


def test_gzip(tmp_path: Path):
    assert read(tmp_path, gzip.compress(b"A\tB\n1\t2\n")).frame.height == 1
    with pytest.raises(InputFileError, match=r"t\.txt cannot be read"):
        read(tmp_path, gzip.compress(b"A\tB\n1\t2\n")[:-9])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; a line of column names"),
        (b"#only\n\n#comments\n", "is empty; a line of column names"),
        (b"A,B\n1,2\n", "the header 'A,B' has no tab"),
        (b"A\tB\tA\n", "'A' stand.* over more than one column"),
        (b"A\tB\n1\t2\t3\n4\t5\n1\t\t3", r"2 line\(s\) \(2, 4\) have more fields than the 2"),
        (b"A\tB\n\x00\t1\n", "holds NUL bytes"),
        (b"A\tB\n\x81\t1\n", "cannot be decoded as text"),
        (b"\xff\xfeA", "cannot be decoded as text"),
    ],
)
def test_bad_files(tmp_path: Path, content: bytes, message: str):
    with pytest.raises(InputFileError, match=message):
        read(tmp_path, content)


def test_missing_file_and_columns(tmp_path: Path):
    file = read(tmp_path, "PATIENT\tB\n")
    with pytest.raises(InputFileError, match=r"'PATIENTS'; did you mean 'PATIENT'.*, 'C'.*has: P"):
        file.require(["PATIENTS", "B", "C"])
    file.require(["B"])
    with pytest.raises(MissingFileError):
        read_tab_file(tmp_path / "none.txt")
