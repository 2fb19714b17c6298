"""H.265 from RTP: single NAL units, aggregation packets and fragmentation units (RFC 7798 section 4.4)."""

from nvr.errors import CameraError
from nvr.rtsp.assemble import OTHER, PARAMETERS, SLICE, SYNC
from nvr.rtsp.depacketize import Depacketizer
from nvr.rtsp.sdp import MediaDescription

_AGGREGATION, _FRAGMENTATION, _PACI = 48, 49, 50
_START, _END = 0x80, 0x40


def _kind(number: int) -> int:
    """ISO/IEC 23008-2 table 7-1: slices below 32, of them 16 to 21 of IDR, CRA, BLA; 32 to 34 parameter sets."""
    if number < 32:
        return SLICE | SYNC if 16 <= number <= 21 else SLICE
    if number <= 34:
        return PARAMETERS
    return OTHER if number < _AGGREGATION else 0


class H265Depacketizer(Depacketizer):
    """Without decoding order numbers: sprop-max-don-diff is 0, as with every camera."""

    _kinds = tuple(_kind(number) for number in range(64))
    _kind_shift = 1
    _header_bytes = 2
    _fragment_skip = 3

    def __init__(self, media: MediaDescription) -> None:
        super().__init__(media)
        if media.don:
            raise CameraError("the camera sends H.265 with decoding order numbers (sprop-max-don-diff)")

    def _payload(self, view: memoryview, start: int, end: int) -> None:
        kind = view[start] >> 1 & 63
        if kind == _FRAGMENTATION:
            self._fragment(view, start, end)
        elif kind < _AGGREGATION:
            self._whole(view, start, end)
        elif kind == _AGGREGATION:
            self._aggregate(view, start + 2, end)
        elif kind == _PACI:
            self._refuse("PACI packets")

    def _is_inner(self, view: memoryview, start: int, end: int) -> bool:
        if end - start < 3:
            return False
        kind, third = view[start] >> 1 & 63, view[start + 2]
        if kind == _FRAGMENTATION:
            return not third & _START and self._tells_starts
        return self._kinds[kind] & SLICE != 0 and not third & 0x80

    def _fragment(self, view: memoryview, start: int, end: int) -> None:
        if end - start < 3:
            self._count_malformed()
            return
        first, second, fragment = view[start], view[start + 1], view[start + 2]
        kind = fragment & 63
        middle = first << 16 | second << 8 | kind
        data = view[start + 3 : end]
        if fragment & _START:
            self._tells_starts = True
            self._first_fragment(bytes((first & 0x81 | kind << 1, second)), data, kind, middle)
        elif self._fragmented >= 0:  # it belongs to the open NAL unit, whatever type it names: nothing is missing
            self._parts.append(data)
            self._nal_bytes += len(data)
        else:
            self._without_start(bytes((first & 0x81 | kind << 1, second)), data, kind, middle)
        if fragment & _END:
            self._last_fragment()
