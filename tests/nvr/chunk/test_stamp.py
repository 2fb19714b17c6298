"""The stamp box."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.chunk.stamp import STAMP_BYTES, FragmentStamp, StampFlags
from nvr.errors import IntegrityError

U32, I64 = st.integers(0, 2**32 - 1), st.integers(-(2**63), 2**63 - 1)
STAMPS = st.builds(
    FragmentStamp,
    sequence=U32,
    flags=st.sampled_from([StampFlags.NONE, StampFlags.SYNC_START, StampFlags.LOSS | StampFlags.SYNC_START]),
    wall_us=I64,
    monotonic_us=I64,
    presentation_rtp_90k=I64,
    ntp=st.integers(0, 2**64 - 1),
    lost_packets=U32,
    media_bytes=U32,
    media_sha256=st.binary(min_size=32, max_size=32),
)


@given(STAMPS, st.integers(0, 9))
def test_stamp_of_any_values_decodes_back(stamp: FragmentStamp, start: int) -> None:
    data = stamp.encode()
    assert len(data) == STAMP_BYTES == int.from_bytes(data[:4], "big") == 108
    assert FragmentStamp.decode(bytes(start) + data, start) == stamp


@given(STAMPS, st.integers(0, STAMP_BYTES - 1), st.integers(1, 255))
def test_stamp_with_any_changed_byte_is_refused(stamp: FragmentStamp, at: int, change: int) -> None:
    data = bytearray(stamp.encode())
    data[at] ^= change
    with pytest.raises(IntegrityError):
        FragmentStamp.decode(data)


@given(STAMPS, st.integers(0, STAMP_BYTES - 1))
def test_stamp_cut_anywhere_is_refused(stamp: FragmentStamp, size: int) -> None:
    with pytest.raises(IntegrityError):
        FragmentStamp.decode(stamp.encode()[:size])
