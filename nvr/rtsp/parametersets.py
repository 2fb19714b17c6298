"""The parameter sets of a stream, gathered from its description and from the stream itself; the latest ones win.

Sets are told apart by the ids they carry (ISO/IEC 14496-10 section 7.3.2, 23008-2 section 7.3.2): a stream may have
several. In force are those that the slices refer to, for a camera may send one more for the night.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from nvr.codec import h264, h265
from nvr.codec.nal import BitReader, rbsp
from nvr.errors import CameraError
from nvr.media import Codec, ParameterSets

SETS_LIMIT = 64  # of one kind; H.264 allows 32 SPS and 256 PPS, cameras have one to three
SET_LIMIT_BYTES = 4096  # chosen: real ones take 5 to 150
SETS_LIMIT_BYTES = 32_768  # chosen, of all together: a chunk's header holds them
_HEAD_BYTES = 192  # enough to read any id

_H264_SPS, _H264_PPS = 7, 8
_H265_VPS, _H265_SPS, _H265_PPS = 32, 33, 34
_VPS, _SPS, _PPS = range(3)
_LARGEST_IDS = {Codec.H264: (-1, 31, 255), Codec.H265: (15, 15, 63)}  # sections 7.4.2.1 and 7.4.2.2; 7.4.3.1 to 7.4.3.3
_Identity = Callable[[BitReader], tuple[int, int]]  # its own id, and the one of the set that it refers to


class _Known(NamedTuple):
    """A set as it was sent, and the id of the set that it refers to: a PPS to an SPS, that of H.265 to a VPS."""

    nal: bytes
    refers_to: int


def _h264_sps(reader: BitReader) -> tuple[int, int]:
    """Behind profile, constraint flags and level."""
    reader.skip(24)
    return reader.ue(), 0


def _pps(reader: BitReader) -> tuple[int, int]:
    return reader.ue(), reader.ue()


def _h265_vps(reader: BitReader) -> tuple[int, int]:
    return reader.u(4), 0


def _h265_sps(reader: BitReader) -> tuple[int, int]:
    """Behind vps id, sub-layer count and profile_tier_level (section 7.3.3)."""
    vps = reader.u(4)
    sub_layers = reader.u(3)
    reader.skip(1 + 88 + 8)
    present = [(reader.flag(), reader.flag()) for _ in range(sub_layers)]
    if sub_layers:
        reader.skip(2 * (8 - sub_layers))
    reader.skip(sum(88 * profile + 8 * level for profile, level in present))
    return reader.ue(), vps


_KINDS: dict[Codec, dict[int, tuple[int, _Identity]]] = {
    Codec.H264: {_H264_SPS: (_SPS, _h264_sps), _H264_PPS: (_PPS, _pps)},
    Codec.H265: {_H265_VPS: (_VPS, _h265_vps), _H265_SPS: (_SPS, _h265_sps), _H265_PPS: (_PPS, _pps)},
}
_Sets = tuple[dict[int, _Known], dict[int, _Known], dict[int, _Known]]  # VPS, SPS, PPS by id


class ParameterSetStore:
    """The sets known so far.

    What it gives can be described and written: a set whose id the standard does not allow, or that no parser can read,
    is none.

    Args:
        codec: of the stream.
        described: what the stream's description gave, in any order; what is no parameter set is ignored. It is
            forgotten as soon as the stream itself has brought a complete collection: descriptions can be out of date.
    """

    def __init__(self, codec: Codec, described: Iterable[bytes] = ()) -> None:
        self.refusal = ""  # why the last set that had to be ignored could not be read
        self._codec = codec
        self._sets: _Sets = ({}, {}, {})
        for nal in described:
            self.offer(nal)
        self._described = self._sets
        self._sets = ({}, {}, {})
        self._last: ParameterSets | None = None
        self._found: dict[int | None, ParameterSets | None] = {}  # by the PPS in use; empty after each change

    @property
    def has_choice(self) -> bool:
        """Whether only a slice can tell which sets are in force."""
        return len(self._sets[_SPS].keys() | self._described[_SPS].keys()) > 1

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
            number, refers_to = identity(BitReader(rbsp(nal[:_HEAD_BYTES], header_bytes)))
            self._keep(place, number, _Known(nal, refers_to))
        except CameraError as error:
            self.refusal = error.what

    def _keep(self, place: int, number: int, new: _Known) -> None:
        """Take a set in, if there is room.

        Raises:
            CameraError: it is none that can be recorded.
        """
        known = self._sets[place]
        if known.get(number) == new:
            return
        largest = _LARGEST_IDS[self._codec]
        if number > largest[place] or (place == _PPS and new.refers_to > largest[_SPS]):
            raise CameraError(f"a parameter set has the id {number}, or refers to {new.refers_to}: none may")
        if place == _SPS:
            parse = h264.parse_sps if self._codec is Codec.H264 else h265.parse_sps
            parse(new.nal)
        others_bytes = sum(len(one.nal) for kind in self._sets for one in kind.values() if one is not known.get(number))
        if (number in known or len(known) < SETS_LIMIT) and others_bytes + len(new.nal) <= SETS_LIMIT_BYTES:
            known[number] = new
            self._found = {}

    def current(self, used: int | None = None) -> ParameterSets | None:
        """The sets in force, None while they are not complete. The same object until something changes.

        Args:
            used: the id of the PPS that a slice names; None where nobody has looked (see `has_choice`).
        """
        if used not in self._found:
            if len(self._found) > SETS_LIMIT:  # slices may name what they like
                self._found = {}
            found = self._in_force(used)
            if found == self._last:
                found = self._last
            self._found[used] = self._last = found or self._last
        return self._found[used]

    def _in_force(self, used: int | None) -> ParameterSets | None:
        """The stream's own sets if they are complete, else with those of the description."""
        vps, sps, pps = (described | own for described, own in zip(self._described, self._sets, strict=True))
        choices: list[_Sets] = [self._sets, (vps, sps, pps)]
        if used is not None:  # first where the slice finds what it names
            choices.sort(key=lambda sets: used not in sets[_PPS] or sets[_PPS][used].refers_to not in sets[_SPS])
        found = [self._collected(sets, used) for sets in choices]
        return found[0] or found[1]

    def _collected(self, sets: _Sets, used: int | None) -> ParameterSets | None:
        """One SPS, and what belongs to it. Where the ids do not fit together, decoders judge, so all are given."""
        vps, sps, pps = sets
        if not sps or not pps or not (vps or self._codec is Codec.H264):
            return None
        wanted = [pps[used].refers_to] if used in pps else [pps[number].refers_to for number in sorted(pps)]
        active = next((number for number in wanted if number in sps), min(sps))
        own_pps = [number for number in sorted(pps) if pps[number].refers_to == active] or sorted(pps)
        own_vps = [sps[active].refers_to] if sps[active].refers_to in vps else sorted(vps)
        return ParameterSets(
            self._codec,
            tuple(vps[number].nal for number in own_vps),
            (sps[active].nal,),
            tuple(pps[number].nal for number in own_pps),
        )
