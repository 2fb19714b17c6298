"""The footer's tables."""

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from nvr.chunk import tables
from nvr.errors import IntegrityError

COUNTS = st.lists(st.integers(1, 20), max_size=8)


def made(counts: list[int], seed: int, first_offset: int = 1000) -> tuple[tables.Array, tables.Array]:
    """Tables of wild values: only what `place` works out is consistent."""
    random = np.random.default_rng(seed)
    fragments = np.zeros(len(counts), tables.FRAGMENT_DTYPE)
    samples = np.zeros(sum(counts), tables.SAMPLE_DTYPE)
    fragments["samples"] = counts
    for name in ("decode_90k", "wall_us", "monotonic_us", "presentation_rtp_90k"):
        fragments[name] = random.integers(-(2**62), 2**62, len(counts))
    fragments["ntp"] = random.integers(0, 2**64, len(counts), dtype=np.uint64)
    fragments["lost_packets"] = random.integers(0, 2**32, len(counts))
    samples["size"] = random.integers(0, 2**32, len(samples))
    samples["duration_90k"] = random.integers(0, 2**32, len(samples))
    samples["composition_90k"] = random.integers(-(2**31), 2**31, len(samples))
    samples["sync"] = random.integers(0, 2, len(samples))
    tables.place(fragments, samples, random.integers(100, 5000, len(counts)), first_offset)
    return fragments, samples


@given(COUNTS, st.integers(0, 2**32 - 1))
def test_tables_of_any_values_unpack_as_packed(counts: list[int], seed: int) -> None:
    fragments, samples = made(counts, seed)
    found = tables.unpack(tables.pack(fragments, samples), len(fragments), len(samples), 1000)
    assert np.array_equal(found[0], fragments)
    assert np.array_equal(found[1], samples)


def test_place_puts_fragments_and_samples_one_behind_the_other() -> None:
    fragments, samples = np.zeros(2, tables.FRAGMENT_DTYPE), np.zeros(3, tables.SAMPLE_DTYPE)
    fragments["samples"], fragments["decode_90k"] = [2, 1], [0, 7200]
    samples["size"], samples["duration_90k"] = [10, 20, 30], [3600, 3600, 3000]
    tables.place(fragments, samples, np.array([200, 300]), 1000)
    assert fragments["offset"].tolist() == [1000, 1230]
    assert fragments["data_offset"].tolist() == [1200, 1530]
    assert fragments["end"].tolist() == [1230, 1560]
    assert samples["offset"].tolist() == [1200, 1210, 1530]
    assert samples["decode_90k"].tolist() == [0, 3600, 7200]


def test_tables_of_a_camera_take_three_bytes_a_sample() -> None:
    random = np.random.default_rng(1)
    fragments, samples = np.zeros(120, tables.FRAGMENT_DTYPE), np.zeros(1500, tables.SAMPLE_DTYPE)
    fragments["samples"] = np.tile([13, 12], 60)
    fragments["wall_us"] = 1_795_000_000_000_000 + np.arange(120) * 500_000
    fragments["monotonic_us"] = 55_000_000 + np.arange(120) * 500_000 + random.integers(0, 9000, 120)
    samples["size"] = np.where(np.arange(1500) % 50, random.normal(19_000, 3000, 1500), 120_000)
    samples["duration_90k"], samples["sync"] = 3600, np.arange(1500) % 50 == 0
    tables.place(fragments, samples, np.full(120, 360), 1000)
    assert len(tables.pack(fragments, samples)) <= 3 * 1500


@given(COUNTS, st.data())
def test_unpack_of_damaged_data_raises_integrity_error_only(counts: list[int], data: st.DataObject) -> None:
    fragments, samples = made(counts, 1)
    packed = bytearray(tables.pack(fragments, samples))
    for _ in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    rows = data.draw(st.sampled_from([(0, 0), (1, 0), (1, 1)]))
    try:
        tables.unpack(bytes(packed), len(fragments) + rows[0], len(samples) + rows[1], 1000)
    except IntegrityError:
        return


@pytest.mark.parametrize("rows", [(2**32 - 1, 0), (0, 2**32 - 1), (1, 2), (3, 2)])
def test_unpack_of_counts_that_do_not_fit_is_refused(rows: tuple[int, int]) -> None:
    bomb = bytearray(zstandard.compress(bytes(100 << 20)))
    bomb[5:9] = b"\xff\xff\xff\xff"  # the frame's content size: 4 GiB
    with pytest.raises(IntegrityError):
        tables.unpack(bytes(bomb), *rows, 1000)
