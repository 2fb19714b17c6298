"""Key-frame tables come back as they were, and a seek in them is a seek in the list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import keyframes
from indexer.keyframes import Pair

OFFSETS_90K = st.integers(-(2**20), 2**26)


@st.composite
def tables(draw: st.DrawFn) -> list[Pair]:
    times = sorted(draw(st.sets(OFFSETS_90K, max_size=keyframes.LIMIT)))
    offsets = sorted(draw(st.sets(st.integers(0, 2**32 - 1), min_size=len(times), max_size=len(times))))
    return list(zip(times, offsets, strict=True))


@st.composite
def steady(draw: st.DrawFn) -> list[Pair]:
    """As cameras send them: a beat with some jitter."""
    count = draw(st.integers(1, keyframes.LIMIT))
    jitter = draw(st.sampled_from([0, 90, 5000]))
    return [(n * 180_000 + draw(st.integers(-jitter, jitter)), 1100 + n * 1_000_000) for n in range(count)]


@given(st.one_of(tables(), steady()))
def test_table_unpacked_is_what_was_packed(pairs: list[Pair]) -> None:
    table = keyframes.pack(pairs)
    keyframes.check(table)
    assert keyframes.unpack(table) == tuple(pairs)


@given(st.one_of(tables(), steady()), OFFSETS_90K)
def test_seek_finds_the_last_pair_at_or_before(pairs: list[Pair], wanted_90k: int) -> None:
    before = [offset for offset_90k, offset in pairs if offset_90k <= wanted_90k]
    assert keyframes.seek(keyframes.pack(pairs), wanted_90k) == (before[-1] if before else None)


def test_steady_beat_takes_no_residuals() -> None:
    steady_30 = [(n * 180_000, n * 1_000_000) for n in range(30)]
    jittered = [(at + n % 7 * 10, offset) for n, (at, offset) in enumerate(steady_30)]
    assert len(keyframes.pack(steady_30)) == 10 + 4 * 30
    assert len(keyframes.pack(jittered)) == 10 + 5 * 30


@given(st.binary(min_size=1, max_size=60))
def test_check_lets_only_readable_tables_pass(table: bytes) -> None:
    try:
        keyframes.check(table)
    except (ValueError, IndexError):
        return
    keyframes.unpack(table)
    keyframes.seek(table, 90_000)


@pytest.mark.parametrize(("count", "left"), [(0, 0), (1, 1), (32, 32), (33, 17), (150, 30), (3000, 32)])
def test_thinned_keeps_the_first_and_at_most_32(count: int, left: int) -> None:
    pairs = [(n, n) for n in range(count)]
    thin = keyframes.thinned(pairs)
    assert len(thin) == left
    assert thin[:1] == pairs[:1]
