"""The parameter sets of a stream, gathered from its description and from the stream itself; the latest ones win.

Sets are told apart by the ids they carry (ISO/IEC 14496-10 section 7.3.2, 23008-2 section 7.3.2): a stream may have
several.
"""

from collections.abc import Callable, Iterable

from nvr.codec.nal import BitReader, rbsp
from nvr.errors import CameraError
from nvr.media import Codec, ParameterSets

SETS_LIMIT = 64  # of one kind; H.264 allows 32 SPS and 256 PPS, cameras have one to three
SET_LIMIT_BYTES = 4096  # chosen: real ones take 5 to 150
_HEAD_BYTES = 192  # enough to read any id

_H264_SPS, _H264_PPS = 7, 8
_H265_VPS, _H265_SPS, _H265_PPS = 32, 33, 34
_VPS, _SPS, _PPS = range(3)
_Identity = Callable[[BitReader], int]


def _after_profile(reader: BitReader) -> int:
    """H.264 SPS: behind profile, constraint flags and level."""
    reader.skip(24)
    return reader.ue()


def _h265_vps(reader: BitReader) -> int:
    return reader.u(4)


def _h265_sps(reader: BitReader) -> int:
    """Behind vps id, sub-layer count and profile_tier_level (section 7.3.3)."""
    reader.skip(4)
    sub_layers = reader.u(3)
    reader.skip(1 + 88 + 8)
    present = [(reader.flag(), reader.flag()) for _ in range(sub_layers)]
    if sub_layers:
        reader.skip(2 * (8 - sub_layers))
    reader.skip(sum(88 * profile + 8 * level for profile, level in present))
    return reader.ue()


def _first_code(reader: BitReader) -> int:
    return reader.ue()


_KINDS: dict[Codec, dict[int, tuple[int, _Identity]]] = {
    Codec.H264: {_H264_SPS: (_SPS, _after_profile), _H264_PPS: (_PPS, _first_code)},
    Codec.H265: {_H265_VPS: (_VPS, _h265_vps), _H265_SPS: (_SPS, _h265_sps), _H265_PPS: (_PPS, _first_code)},
}


_Sets = tuple[dict[int, bytes], dict[int, bytes], dict[int, bytes]]  # VPS, SPS, PPS by id


class ParameterSetStore:
    """The sets known so far.

    Args:
        codec: of the stream.
        described: what the stream's description gave, in any order; what is no parameter set is ignored. It is
            forgotten as soon as the stream itself has brought a complete collection: descriptions can be out of date.
    """

    def __init__(self, codec: Codec, described: Iterable[bytes] = ()) -> None:
        self._codec = codec
        self._sets: _Sets = ({}, {}, {})
        for nal in described:
            self.offer(nal)
        self._described = self._sets
        self._sets = ({}, {}, {})
        self._complete: ParameterSets | None = None
        self._changed = True

    def offer(self, nal: bytes) -> None:
        """Take a NAL unit that may be a parameter set; one that cannot be read is ignored.

        Zero bytes behind the end are no part of a NAL unit (ISO/IEC 14496-10 section 7.4.1: its last byte is not 0),
        and cameras add them here and there, so they are cut off: otherwise the same set would look like a new one.
        """
        nal = nal.rstrip(b"\0")
        header_bytes = 1 if self._codec is Codec.H264 else 2
        if not header_bytes < len(nal) <= SET_LIMIT_BYTES:
            return
        kind = nal[0] & 31 if self._codec is Codec.H264 else nal[0] >> 1 & 63
        found = _KINDS[self._codec].get(kind)
        if found is None:
            return
        place, identity = found
        try:
            number = identity(BitReader(rbsp(nal[:_HEAD_BYTES], header_bytes)))
        except CameraError:
            return
        known = self._sets[place]
        if known.get(number) != nal and (number in known or len(known) < SETS_LIMIT):
            known[number] = nal
            self._changed = True

    def current(self) -> ParameterSets | None:
        """The sets in force, None while they are not complete. The same object until something changes."""
        if self._changed:
            self._changed = False
            merged = tuple(described | own for described, own in zip(self._described, self._sets, strict=True))
            found = self._collected(self._sets) or self._collected(merged)
            self._complete = found if found not in (None, self._complete) else self._complete
        return self._complete

    def _collected(self, sets: tuple[dict[int, bytes], ...]) -> ParameterSets | None:
        vps, sps, pps = (tuple(known[number] for number in sorted(known)) for known in sets)
        complete = sps and pps and (vps or self._codec is Codec.H264)
        return ParameterSets(self._codec, vps, sps, pps) if complete else None
