import json
import math

import pytest

from marrowtrace.study.protocol_record import from_record, to_record
from tests.study.small_study import small


def test_it_survives_json():
    protocol = small(surgery="never", follow_up={"drop_out": "1 %/year"})
    record = json.loads(json.dumps(to_record(protocol), allow_nan=False))
    assert record["surgery"] == record["follow_up"]["closes"] == "never"
    again = from_record(record)
    assert again == protocol
    assert math.isinf(again.surgery)


def test_a_record_that_lacks_a_field():
    record = to_record(small())
    del record["arms"][0]["share"]
    with pytest.raises(KeyError, match="share"):
        from_record(record)
