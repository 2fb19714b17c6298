"""From NAL units, whole or in fragments, to samples: what H.264 and H.265 have in common behind RTP.

Nothing is joined and no object is made per packet but the piece that is kept; a whole access unit is joined once.

Cameras forget bits. Where no packet is missing, a fragment without a start bit begins a NAL unit if none is open, and
continues it else; one without an end bit ends at the marker bit or before the next unit. Where a packet is missing,
only what is surely whole is kept.
"""

from collections.abc import Iterator

from nvr.codec.access import is_intra, is_recovery_point, is_slice, picture_parameter_set
from nvr.codec.nal import split, split_annex_b
from nvr.errors import CameraError
from nvr.media import Codec, ParameterSets, Sample
from nvr.rtsp.parametersets import ParameterSetStore
from nvr.rtsp.rtcp import SenderReport
from nvr.rtsp.rtp import TimestampUnwrapper
from nvr.rtsp.sdp import MediaDescription
from nvr.timebase import TICKS_PER_S

UNIT_LIMIT_BYTES = 16 << 20  # chosen: 30 times the largest key frame seen at 16 Mbit/s
NALS_LIMIT = 2048  # of an access unit; chosen: a slice for each row of macroblocks of an 8K picture is 272
PRELUDE_LIMIT = 64  # NAL units before a picture that does not come; chosen: sets, a delimiter and some SEI are 6
TRIAL_UNITS = 8  # chosen: so many access units must end with a marker bit before it is believed
WARY_UNITS = 64  # chosen: so many access units are searched for start codes; cameras that send some do it always
GROUP_LIMIT = 250  # samples; chosen: longer than groups of pictures are, so another kind of start is looked for

SLICE, SYNC, PARAMETERS, OTHER = 1, 2, 4, 8  # what a NAL unit is, bits

_UNKNOWN_LENGTH = bytes(4)
_START_CODE = b"\0\0\1"
_START_CODES = (_START_CODE, b"\0\0\0\1")


class Assembler:
    """Makes samples of NAL units. Views that it is given are read until `hold` is called, which copies what is kept.

    Args:
        media: the stream as described; its parameter sets are in force until the stream brings others.
    """

    # Of the codec:
    _kinds: tuple[int, ...]  # bits by NAL unit type; 0 for types that are no NAL units of video
    _kind_shift: int  # of the first byte of a NAL unit, to its type
    _header_bytes: int  # of a NAL unit

    def __init__(self, media: MediaDescription) -> None:
        if media.codec is None:
            raise CameraError(f"{media.format or 'this stream'} cannot be recorded, only H.264 and H.265")
        self.sender_report: SenderReport | None = None
        self._codec = media.codec
        self._clock_rate = media.clock_rate
        self._store = ParameterSetStore(media.codec, media.parameter_nals)
        self._announced: ParameterSets | None = None  # the sets last given with a sample
        self._unwrapper = TimestampUnwrapper()
        self._samples: list[Sample] = []
        self._emitted = 0
        # The open access unit:
        self._parts: list[bytes | memoryview] = []
        self._held = 0  # parts before this are ours; the others may be views of the caller's buffer
        self._held_bytes = 0
        self._fragmented = -1  # index of the length of the NAL unit whose fragments are coming; -1: none
        self._middle = -1  # the first bytes of the next fragment, if it is a plain middle one
        self._nal_bytes = 0  # of the NAL unit whose fragments are coming
        self._nals = 0
        self._flags = 0
        self._damaged = False  # something is missing in it
        self._lost = 0  # packets since the last sample
        self._timestamp = 0
        self._marked = False  # its last packet had the marker bit, which is not believed yet
        # What the camera is like:
        self._trial = TRIAL_UNITS
        self._wary = WARY_UNITS  # access units that are still searched for start codes
        self._begun = False  # a NAL unit has begun: what came before is the rest of one
        self._tells_starts = self._tells_ends = False  # it sets these bits of fragments
        self._since_sync = 0  # samples
        self._has_sync = False
        self._emitted_timestamp = -1
        self._received_us = 0

    @property
    def timestamps_jumped(self) -> int:
        """How often the RTP time stepped by more than 10 s."""
        return self._unwrapper.jumps

    @property
    def lacks(self) -> str:
        """What the stream lacks if no sample came yet at which decoding can start; a sentence."""
        if not self._emitted:
            return "the camera sends no pictures"
        return "the camera sends no key frames" if self._announced else "the camera sends no usable parameter sets"

    def take(self) -> list[Sample]:
        """The samples finished since the last call, in decoding order."""
        samples, self._samples = self._samples, []
        return samples

    def hold(self) -> None:
        """Copy what the open access unit keeps of the views given so far: they may be reused after this."""
        parts, held = self._parts, self._held
        if held == len(parts):
            return
        cut = self._fragmented
        if cut >= held:
            before, rest = parts[held:cut], parts[cut + 1 :]
            parts[held:] = [b"".join(before), _UNKNOWN_LENGTH, b"".join(rest)]
            self._fragmented = held + 1
            self._held_bytes += len(parts[held])
        else:
            parts[held:] = [b"".join(parts[held:])]
        self._held = len(parts)
        self._held_bytes += len(parts[-1])
        if self._held_bytes > UNIT_LIMIT_BYTES:
            raise CameraError(f"the camera sends a picture of more than {UNIT_LIMIT_BYTES >> 20} MiB")

    def finish(self) -> None:
        """The stream is over: give out the open access unit, unless it is known to be a part of one.

        Where marker bits can be believed, its end would have been seen. Where not, it may be whole: it counts a loss.
        """
        if self._trial == 0 or self._fragmented >= 0:
            self._fragmented = self._middle = -1
            self._clear()
            return
        if not self._marked:
            self._lost = max(self._lost, 1)
        self._end_unit()

    # -- NAL units -----------------------------------------------------------------------------------------------

    def _whole(self, view: memoryview, start: int, end: int) -> None:
        """Take a whole NAL unit; types that are none are passed over, as RFC 6184 section 5.2 wants.

        Some cameras send several behind start codes (ISO/IEC 14496-10 annex B) as one: no NAL unit holds such a code.
        """
        kind = view[start] >> self._kind_shift & len(self._kinds) - 1
        flags = self._kinds[kind]
        if not (flags & SLICE) or self._wary or not view[start]:
            nal = bytes(view[start:end])
            if _START_CODE in nal:
                self._split(nal)
                return
        body = start + self._header_bytes
        if body >= end or not flags:
            return
        if self._fragmented >= 0:
            self._complete()
        self._begin_nal(flags, view[body])
        if flags & PARAMETERS:
            self._store.offer(bytes(view[start:end]))
        self._flags |= flags
        self._parts += ((end - start).to_bytes(4, "big"), view[start:end])

    def _split(self, data: bytes) -> None:
        """Take the NAL units between start codes, and what stands before the first code."""
        self._wary = WARY_UNITS
        first = data.find(_START_CODE)
        lead = data[:first].rstrip(b"\0")
        for unit in [lead, *(data[start:end] for start, end in split_annex_b(data))]:
            if unit:
                self._whole(memoryview(unit), 0, len(unit))

    def _aggregate(self, view: memoryview, position: int, end: int) -> None:
        """Take NAL units that stand behind 16-bit lengths, up to the first that does not fit; zeros fill up."""
        first = position
        while position + 2 <= end:
            start = position + 2
            following = start + (view[position] << 8 | view[position + 1])
            if following > end:
                break
            if start < following:
                self._whole(view, start, following)
            position = following
        if position == first or any(view[position:end]):
            self._count_malformed()

    def _first_fragment(self, header: bytes, data: memoryview, kind: int, middle: int) -> None:
        """Begin a NAL unit that comes in fragments; the header is the one it had before it was cut up."""
        if self._fragmented >= 0:
            self._complete()
        flags = self._kinds[kind]
        if not flags and (header + bytes(data[:3])).startswith(_START_CODES):
            flags = OTHER  # what was cut up is no NAL unit, but several behind start codes
        if not flags:
            self._count_malformed()
            return
        self._begin_nal(flags, data[0] if data else 0x80)
        self._fragmented = len(self._parts)
        self._parts += (_UNKNOWN_LENGTH, header, data)
        self._nal_bytes = len(header) + len(data)
        self._middle = middle

    def _without_start(self, header: bytes, data: memoryview, kind: int, middle: int) -> None:
        """Take a fragment without a start bit while no NAL unit is open: it begins one, if nothing can be missing."""
        if self._damaged:
            return
        if self._begun:
            self._first_fragment(header, data, kind, middle)
        else:
            self._count_malformed()

    def _last_fragment(self) -> None:
        """The end bit came."""
        self._tells_ends = True
        if self._fragmented >= 0:
            self._complete()

    def _complete(self) -> None:
        """The open NAL unit is complete, by its end bit or, where a camera forgets that, by what follows."""
        parts, at = self._parts, self._fragmented
        self._fragmented = self._middle = -1
        flags = self._kinds[parts[at + 1][0] >> self._kind_shift & len(self._kinds) - 1]
        if not flags & SLICE or self._wary:
            nal = b"".join(parts[at + 1 :])
            if _START_CODE in nal:
                self._forget(at)
                self._split(nal)
                return
            if flags & PARAMETERS:
                self._store.offer(nal)
        if not flags or self._nal_bytes <= self._header_bytes:
            self._forget(at)
            self._count_malformed()
            return
        parts[at] = self._nal_bytes.to_bytes(4, "big")
        self._flags |= flags

    def _count_malformed(self) -> None:
        """A packet cannot be used: it is as good as lost."""
        self._lost += 1
        self._damaged = True

    def _refuse(self, what: str) -> None:
        """A packet of a form that cannot be read: a fault where the others can be, else the stream's own."""
        self._count_malformed()
        if not self._emitted:
            raise CameraError(f"the camera sends {what}")

    def _drop_fragments(self) -> None:
        """A NAL unit whose fragments are not all there is none the camera sent: forget it."""
        if self._fragmented >= 0:
            self._forget(self._fragmented)
            self._fragmented = self._middle = -1
            self._damaged = True
            self._lost = max(self._lost, 1)

    def _forget(self, at: int) -> None:
        del self._parts[at:]
        self._held = min(self._held, at)

    # -- access units --------------------------------------------------------------------------------------------

    def _begin_nal(self, flags: int, first_octet: int) -> None:
        """Look at the first byte behind a NAL unit's header, to tell where a marker bit was wrong.

        Its first bit says of a slice that it begins a picture: first_mb_in_slice is 0 (ISO/IEC 14496-10 section 7.3.3),
        or first_slice_segment_in_pic_flag is 1 (23008-2 section 7.3.6.1).
        """
        self._begun = True
        self._nals += 1
        if self._nals > NALS_LIMIT:
            raise CameraError(f"the camera sends a picture of more than {NALS_LIMIT} NAL units")
        continues = bool(flags & SLICE) and not first_octet & 0x80
        if self._marked:
            self._marked = False
            if continues:
                self._trial = -1
            elif flags & SLICE:
                self._end_unit()
        elif continues and not self._flags & SLICE and self._timestamp == self._emitted_timestamp:
            self._trial = -1  # too late for the picture that came out cut in two; the next ones come out whole

    def _take_marker(self) -> None:
        """The packet is the last of its access unit, if the camera is to be believed."""
        if self._fragmented >= 0:
            if self._tells_ends:
                return
            self._complete()
        if self._trial == 0:
            self._end_unit()
        else:
            self._marked = bool(self._flags & SLICE)

    def _end_unit(self) -> None:
        if self._fragmented >= 0:
            self._complete()
        if self._marked:
            self._marked = False
            self._trial -= self._trial > 0
        if not self._flags & SLICE:
            self._end_without_picture()
            return
        data = b"".join(self._parts)
        is_sync = self._can_start(data)
        sets = self._new_sets(data) if is_sync or self._announced is None else None
        timestamp, report = self._timestamp, self.sender_report
        ntp = report.ntp_at(timestamp, self._clock_rate) if report is not None else 0
        presentation_90k = self._unwrapper.unwrap(timestamp)
        if self._clock_rate != TICKS_PER_S:
            presentation_90k = presentation_90k * TICKS_PER_S // self._clock_rate
        self._samples.append(Sample(data, presentation_90k, is_sync, self._received_us, sets, self._lost, ntp))
        self._emitted += 1
        self._emitted_timestamp = timestamp
        self._wary -= self._wary > 0
        self._lost = 0
        self._clear()

    def _can_start(self, data: bytes) -> bool:
        """Whether decoding can start at this access unit.

        Where a camera sends IDR pictures (or CRA, BLA), only there. Where it has none, or only as its encoder starts,
        at its recovery points; and where it does not mark those either, at the pictures that refer to no other.
        """
        if self._flags & SYNC:
            self._has_sync, self._since_sync = True, 0
            return True
        self._since_sync += 1
        is_overdue = self._since_sync > GROUP_LIMIT
        if self._has_sync and not is_overdue:
            return False
        if self._flags & OTHER and any(is_recovery_point(self._codec, unit) for unit in _units(data)):
            return True
        return is_overdue and self._codec is Codec.H264 and all(map(is_intra, self._slices(data)))

    def _slices(self, data: bytes) -> Iterator[bytes]:
        return (unit for unit in _units(data) if is_slice(self._codec, unit))

    def _new_sets(self, data: bytes) -> ParameterSets | None:
        """The parameter sets in force, if they are others than those given before."""
        used = None
        if self._store.has_choice:
            used = picture_parameter_set(self._codec, next(self._slices(data), b"\0\0\0"))
        sets = self._store.current(used)
        if sets is None and self._flags & SYNC and self._store.refusal:
            raise CameraError(f"the camera's parameter sets cannot be used: {self._store.refusal}")
        if sets is self._announced:
            return None
        self._announced = sets
        return sets

    def _end_without_picture(self) -> None:
        """Parameter sets, SEI or a delimiter alone belong to the next picture; the ruins of a picture to none."""
        if self._damaged or self._nals > PRELUDE_LIMIT:
            self._clear()

    def _clear(self) -> None:
        self._parts = []
        self._held = self._held_bytes = self._nals = 0
        self._flags = 0
        self._damaged = False


def _units(data: bytes) -> Iterator[bytes]:
    """The NAL units of a sample, none of them empty."""
    return (data[start:end] for start, end in split(data))
