"""The key frames of a chunk as they stand in its row: where playing can start (FORMAT.md).

Cameras send key frames on a steady beat, so their times are a first one and a step, and what differs from that in as
few bytes as hold it: none, for most. File offsets are 4 bytes each, so that the wanted one is read without the others.
"""

import struct
from bisect import bisect_right
from collections.abc import Sequence

LIMIT = 32  # chosen: with them a row is about 190 bytes; the footer has all

_HEAD = struct.Struct(">BBiI")  # count, width of a residual, first_90k, step_90k
_OFFSET = struct.Struct(">I")
_RESIDUALS = {0: "", 1: "b", 2: "h", 4: "i"}  # width in bytes → struct's letter

Pair = tuple[int, int]  # offset_90k from the chunk's start, file offset of the fragment's stamp


def thinned(pairs: Sequence[Pair]) -> list[Pair]:
    """Every n-th key frame, the first among them, so that at most `LIMIT` are left."""
    return list(pairs[:: -(-len(pairs) // LIMIT) or 1])


def pack(pairs: Sequence[Pair]) -> bytes:
    """The table, at most `LIMIT` pairs; of none, nothing.

    Raises:
        struct.error: an offset does not fit in 32 bits, or there are more than 255.
    """
    if not pairs:
        return b""
    count = len(pairs)
    first_90k = pairs[0][0]
    step_90k = max(0, (pairs[-1][0] - first_90k) // max(1, count - 1))
    residuals = [offset_90k - first_90k - step_90k * i for i, (offset_90k, _) in enumerate(pairs)]
    width = _width(residuals)
    head = _HEAD.pack(count, width, first_90k, step_90k)
    beat = struct.pack(f">{count}{_RESIDUALS[width]}", *residuals) if width else b""
    return head + beat + struct.pack(f">{count}I", *(offset for _, offset in pairs))


def _width(residuals: Sequence[int]) -> int:
    largest = max(max(residuals), -min(residuals) - 1)
    if not any(residuals):
        return 0
    return 1 if largest < 1 << 7 else 2 if largest < 1 << 15 else 4


def check(table: bytes) -> None:
    """Let no table pass that `unpack` and `seek` cannot read.

    Raises:
        ValueError: it has another length than it says, or residuals of an unknown width.
    """
    if not table:
        return
    if len(table) < _HEAD.size:
        raise ValueError(f"a table of key frames has {len(table)} bytes")
    if table[1] not in _RESIDUALS or len(table) != _HEAD.size + (table[1] + _OFFSET.size) * table[0]:
        raise ValueError("the key-frame table is damaged")


def unpack(table: bytes) -> tuple[Pair, ...]:
    """The pairs of a table that passed `check`."""
    if not table:
        return ()
    count, width, first_90k, step_90k = _HEAD.unpack_from(table)
    times = _times(table, count, width, first_90k, step_90k)
    offsets = struct.unpack(f">{count}I", table[_HEAD.size + width * count :])
    return tuple(zip(times, offsets, strict=True))


def _times(table: bytes, count: int, width: int, first_90k: int, step_90k: int) -> Sequence[int]:
    if width == 0:
        return [first_90k + step_90k * i for i in range(count)]
    residuals = struct.unpack_from(f">{count}{_RESIDUALS[width]}", table, _HEAD.size)
    return [first_90k + step_90k * i + residual for i, residual in enumerate(residuals)]


def seek(table: bytes, wanted_90k: int) -> int | None:
    """File offset of the last listed key frame at or before a time; None: there is none."""
    if not table:
        return None
    count, width, first_90k, step_90k = _HEAD.unpack_from(table)
    if width == 0 and step_90k:
        index = min(count - 1, (wanted_90k - first_90k) // step_90k)
    else:
        index = bisect_right(_times(table, count, width, first_90k, step_90k), wanted_90k) - 1
    if index < 0:
        return None
    return int(_OFFSET.unpack_from(table, _HEAD.size + width * count + _OFFSET.size * index)[0])
