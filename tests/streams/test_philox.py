"""The words of Philox, and the independence of the streams made of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numba import njit
from numba.core.errors import NumbaError
from scipy import stats

from marrowtrace.streams import fine_uniform, init, kernel, next_word, stream, uniform
from marrowtrace.streams.philox import STATE_WORDS, philox4x32
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue, ks_pvalue
from tests.streams.draws import SEED, draws, next_bits

# Random123 (D. E. Shaw Research), tests/kat_vectors, the three lines "philox4x32 10":
# four counter words, two key words, four words expected.
KNOWN_ANSWERS = [
    "00000000 00000000 00000000 00000000 00000000 00000000 6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    "ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff 408f276d 41c83b0e a20bc7c6 6d5451fd",
    "243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0 d16cfe09 94fdcceb 5001e420 24126ea1",
]
# multipliers and key increments by width: Random123, philox.h
CONSTANTS = {
    32: (0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85),
    64: (0xD2E7470EE14C6C93, 0xCA5A826395121157, 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B),
}


def reference(counter: list[int], key: list[int], width: int) -> list[int]:
    """Philox4 x ``width``, ten rounds, on Python integers: one text for both widths."""
    m0, m1, w0, w1 = CONSTANTS[width]
    mask = 2**width - 1
    c0, c1, c2, c3 = counter
    for turn in range(10):
        k0, k1 = (key[0] + turn * w0) & mask, (key[1] + turn * w1) & mask
        first, second = m0 * c0, m1 * c2
        c0, c1, c2, c3 = (
            (second >> width) ^ c1 ^ k0,
            second & mask,
            (first >> width) ^ c3 ^ k1,
            first & mask,
        )
    return [c0, c1, c2, c3]


def block(counter: list[int], key: list[int]) -> list[int]:
    """The block of the shipped generator, as four 32-bit words."""
    words = (counter[0] | counter[1] << 32, counter[2] | counter[3] << 32, key[0] | key[1] << 32)
    pair = [int(word) for word in philox4x32(*(np.uint64(word) for word in words))]
    return [pair[0] & 0xFFFFFFFF, pair[0] >> 32, pair[1] & 0xFFFFFFFF, pair[1] >> 32]


@pytest.mark.parametrize("line", KNOWN_ANSWERS)
def test_known_answers_of_random123(line):
    words = [int(word, 16) for word in line.split()]
    assert block(words[:4], words[4:6]) == words[6:]
    assert reference(words[:4], words[4:6], 32) == words[6:]


def test_equals_the_reference_at_random_counters():
    rng = np.random.default_rng(SEED)
    for words in rng.integers(0, 2**32, (2000, 6)).tolist():
        assert block(words[:4], words[4:]) == reference(words[:4], words[4:], 32)


def test_the_reference_at_64_bits_is_numpys_philox():
    """The round structure is NumPy's too; NumPy counts up before its first block."""
    key, counter = [3**40, 5**27], [7, 2**63, 11, 13]
    wanted = np.random.Philox(
        key=np.array(key, dtype=np.uint64), counter=np.array(counter, dtype=np.uint64)
    ).random_raw(8000)
    found = [reference([counter[0] + i, *counter[1:]], key, 64) for i in range(1, 2001)]
    assert wanted.tolist() == list(itertools.chain.from_iterable(found))


def test_words_become_doubles_as_in_numpy():
    """NumPy's words put into a state give the doubles of NumPy's generator."""
    words = np.random.Philox(key=5).random_raw(2000)
    wanted = np.random.Generator(np.random.Philox(key=5)).random(2000)
    state = stream(0, 0, 0)
    assert [uniform(next_bits(state, int(word))) for word in words] == wanted.tolist()


def test_layout_of_the_counter():
    seed, process, patient = 2**64 - 3, 2**16 - 2, 2**63 - 5
    state = stream(seed, process, patient)
    found = [int(next_word(state)) for _ in range(8)]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    wanted = []
    for number in range(4):
        counter = [number, process << 16, patient & 0xFFFFFFFF, patient >> 32]
        words = reference(counter, key, 32)
        wanted += [words[0] | words[1] << 32, words[2] | words[3] << 32]
    assert found == wanted


def test_the_block_number_runs_past_32_bits_within_its_stream():
    state = stream(1, 2, 3)
    state[0] += np.uint64(2**32 - 1)
    words = [int(next_word(state)) for _ in range(4)]
    last, following = (
        reference([2**32 - 1, 2 << 16, 3, 0], [1, 0], 32),
        reference([0, (2 << 16) + 1, 3, 0], [1, 0], 32),
    )
    assert words[0] == last[0] | last[1] << 32
    assert words[2] == following[0] | following[1] << 32


def test_init_in_a_kernel_equals_stream_and_forgets_what_was_left():
    @njit
    def first_draws(patients):
        rng = np.empty(STATE_WORDS, np.uint64)
        out = np.empty(patients)
        for patient in range(patients):
            init(rng, 12, 3, patient)
            out[patient] = uniform(rng)
        return out

    assert first_draws(50).tolist() == [uniform(stream(12, 3, p)) for p in range(50)]


def test_rows_of_a_table_are_states():
    table = np.empty((3, STATE_WORDS), np.uint64)
    for patient, row in enumerate(table):
        init(row, 12, 3, patient)
    assert [uniform(row) for row in table] == [uniform(stream(12, 3, p)) for p in range(3)]


def test_a_kernel_draws_but_makes_no_arrays():
    @kernel
    def sum_of_two(rng):
        return uniform(rng) + uniform(rng)

    @kernel
    def allocates(rng):
        return np.zeros(3)[0] + uniform(rng)

    state = stream(1, 2, 3)
    assert sum_of_two(stream(1, 2, 3)) == uniform(state) + uniform(state)
    with pytest.raises(NumbaError, match="function zeros"):
        allocates(state)


def test_order_of_use_changes_nothing():
    keys = list(itertools.product((1, 2), (0, 1), (0, 1, 2)))
    alone = {key: [int(next_word(rng)) for _ in range(9)] for key in keys for rng in [stream(*key)]}
    states = {key: stream(*key) for key in keys}
    mixed: dict[tuple[int, ...], list[int]] = {key: [] for key in keys}
    for turn in range(9):
        for key in keys if turn % 2 else reversed(keys):
            mixed[key].append(int(next_word(states[key])))
    assert alone == mixed


def test_a_copied_state_replays():
    state = stream(1, 2, 3)
    uniform(state)
    copy = state.copy()
    assert [uniform(state) for _ in range(5)] == [uniform(copy) for _ in range(5)]


@njit
def table_of_words(seeds, processes, patients, words):
    """One row for each stream."""
    out = np.empty((seeds.size, words), np.uint64)
    rng = np.empty(STATE_WORDS, np.uint64)
    for row in range(seeds.size):
        init(rng, seeds[row], processes[row], patients[row])
        for column in range(words):
            out[row, column] = next_word(rng)
    return out


def neighbours(axis: str, streams: int, words: int) -> np.ndarray:
    """Words of streams that differ by one step in one part of the key."""
    steps = np.arange(streams, dtype=np.uint64)
    fixed = np.full(streams, 17, dtype=np.uint64)
    return table_of_words(*(steps if axis == a else fixed for a in AXES), words)


AXES = ("seed", "process", "patient")


def test_no_two_streams_share_a_word():
    """Of 300,000 words of 64 bits two agree by chance with probability 2e-9."""
    words = np.concatenate([neighbours(axis, 1000, 100) for axis in AXES])
    rows = words.reshape(3, 1000, 100)
    assert (rows[0, 17] == rows[1, 17]).all()  # (17, 17, 17) is in all three
    kept = np.delete(words, [1017, 2017], axis=0)
    assert np.unique(kept).size == kept.size


def correlation_pvalues(table: np.ndarray) -> dict[str, float]:
    """Neighbouring rows against each other, at the same place and one place on."""
    u = (table >> np.uint64(11)) * 2.0**-53
    pairs = {
        "same place": (u[:-1].ravel(), u[1:].ravel()),
        "one place on": (u[:-1, :-1].ravel(), u[1:, 1:].ravel()),
        "within the stream": (u[:, :-1].ravel(), u[:, 1:].ravel()),
    }
    return {
        name: 2 * stats.norm.sf(abs(np.corrcoef(*pair)[0, 1]) * np.sqrt(pair[0].size))
        for name, pair in pairs.items()
    }


def test_neighbouring_streams_are_uncorrelated_and_uniform():
    """Standard error of a correlation: 0.0022."""
    found = {}
    for axis in AXES:
        table = neighbours(axis, 10_000, 20)
        found |= {f"{axis}, {name}": p for name, p in correlation_pvalues(table).items()}
        first = (table[:, 0] >> np.uint64(11)) * 2.0**-53
        found[f"{axis}, first draws uniform"] = ks_pvalue(first, stats.uniform.cdf)
        flips = np.bitwise_count(table[:-1] ^ table[1:]).ravel()
        found[f"{axis}, bits that differ"] = chi2_pvalue(flips, stats.binom.pmf(range(65), 64, 0.5))
    assert_family(found)


def test_the_correlation_check_has_power():
    """Two streams in a hundred that repeat their neighbour must be caught."""
    table = neighbours("patient", 10_000, 20)
    table[1::50] = table[::50]
    assert correlation_pvalues(table)["same place"] < ALPHA


def test_uniforms_follow_their_law():
    assert_family(
        {
            sampler.__name__: ks_pvalue(draws(sampler, count=1_000_000), stats.uniform.cdf)
            for sampler in (uniform, fine_uniform)
        }
    )


def test_fine_uniform_resolves_small_values():
    """Its next word decides the value to 2**-63; for the smallest the following word refines it."""
    state = stream(SEED, 0, 0)
    for exponent in range(63):
        value = fine_uniform(next_bits(state, 2 ** (exponent + 1)))
        assert 0 <= value * 2.0**63 - 2**exponent < 1
    tiny = {fine_uniform(next_bits(stream(SEED, 0, p), 0)) for p in range(100)}
    assert len(tiny) == 100
    assert max(tiny) < 2.0**-63
    assert fine_uniform(next_bits(state, 2**64 - 1)) == 1 - 2.0**-53
