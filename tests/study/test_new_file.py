import tomllib

import pytest

from marrowtrace.errors import CatalogError, OutputError
from marrowtrace.study.bundled import names
from marrowtrace.study.new_file import new_text, write_new
from marrowtrace.study.protocol_file import _TOP, from_tables, read_protocol


def test_the_guide_is_in_order_and_shows_every_field():
    text = new_text("mine")
    tables = tomllib.loads(text)
    assert from_tables(tables, where="mine.toml").name == "mine"
    assert set(tables) == set(_TOP)


@pytest.mark.parametrize("like", names())
def test_every_bundled_study_can_be_started_from(like):
    assert from_tables(tomllib.loads(new_text("mine", like)), where="mine.toml").name == "mine"


def test_a_file_is_not_written_over_by_accident(tmp_path):
    file = tmp_path / "mine.toml"
    write_new(file)
    assert read_protocol(file).name == "mine"
    with pytest.raises(OutputError, match="exists already"):
        write_new(file)
    write_new(file, like="reservoir", replace=True)
    assert len(read_protocol(file).arms) == 4
    with pytest.raises(CatalogError, match="did you mean 'reservoir'"):
        new_text("mine", "resevoir")
