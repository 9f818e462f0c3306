from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.errors import ParameterError
from marrowtrace.streams import (
    LARGEST_PATIENT,
    LARGEST_PROCESS,
    LARGEST_SEED,
    STATE_WORDS,
    generator,
    stream,
)


@pytest.mark.parametrize("start", [stream, generator])
@pytest.mark.parametrize(
    ("key", "message"),
    [
        ((-1, 0, 0), r"seed: -1 is outside its range; give one from 0 to 18446744073709551615"),
        ((2**64, 0, 0), "seed: 18446744073709551616 is outside"),
        ((1, 2**16, 0), "process: 65536 is outside its range; give one from 0 to 65535"),
        ((1, 0, 2**63), "patient: 9223372036854775808 is outside"),
        ((1.0, 0, 0), r"seed: 1\.0 is not a whole number"),
        ((1, "a", 0), "process: 'a' is not a whole number; give one from 0 to 65535"),
        ((None, 0, 0), "seed: None is not a whole number"),
    ],
)
def test_keys_outside_their_range_are_refused(start, key, message):
    with pytest.raises(ParameterError, match=message):
        start(*key)


def test_every_problem_is_named_at_once():
    with pytest.raises(ParameterError, match="3 problems in the key of a random stream") as caught:
        stream(-1, "a", 2**63)
    assert all(name in str(caught.value) for name in ("seed", "process", "patient"))


def test_limits_and_numpy_integers_are_allowed():
    state = stream(LARGEST_SEED, LARGEST_PROCESS, LARGEST_PATIENT)
    assert state.shape == (STATE_WORDS,)
    assert state.dtype == np.uint64
    assert state[2] == LARGEST_SEED
    assert (stream(np.uint64(7), np.int32(1), np.int64(5)) == stream(7, 1, 5)).all()


def test_generators_repeat_and_differ_by_each_part_of_the_key():
    keys = [(1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1), (0, 1, 0), (0, 0, 1)]
    firsts = [tuple(generator(*key).random(4)) for key in keys]
    assert len(set(firsts)) == len(keys)
    assert tuple(generator(1, 0, 1).random(4)) == firsts[3]


def test_generators_of_neighbouring_patients_share_no_words():
    words = np.concatenate([generator(1, 0, p).bit_generator.random_raw(500) for p in range(40)])
    assert np.unique(words).size == words.size
