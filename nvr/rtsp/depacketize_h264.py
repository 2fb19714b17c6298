"""H.264 from RTP: single NAL units, STAP-A and FU-A (RFC 6184 sections 5.6 to 5.8)."""

from nvr.rtsp.assemble import OTHER, PARAMETERS, SLICE, SYNC
from nvr.rtsp.depacketize import Depacketizer

_STAP_A, _FU_A = 24, 28
_INTERLEAVED = {25: "STAP-B", 26: "MTAP16", 27: "MTAP24", 29: "FU-B"}  # packetization mode 2, which no camera needs
_START, _END = 0x80, 0x40


def _kind(number: int) -> int:
    """ISO/IEC 14496-10 table 7-1: 1 to 5 are slices, 5 of an IDR picture, 7 and 8 parameter sets; above 23 are none."""
    match number:
        case 5:
            return SLICE | SYNC
        case 1 | 2 | 3 | 4:
            return SLICE
        case 7 | 8:
            return PARAMETERS
        case _:
            return OTHER if 0 < number < _STAP_A else 0


class H264Depacketizer(Depacketizer):
    """Packetization modes 0 and 1."""

    _kinds = tuple(_kind(number) for number in range(32))
    _kind_shift = 0
    _header_bytes = 1
    _fragment_skip = 2

    def _payload(self, view: memoryview, start: int, end: int) -> None:
        kind = view[start] & 31
        if kind == _FU_A:
            self._fragment(view, start, end)
        elif kind < _STAP_A:
            self._whole(view, start, end)
        elif kind == _STAP_A:
            self._aggregate(view, start + 1, end)
        elif kind in _INTERLEAVED:
            self._refuse(f"{_INTERLEAVED[kind]} packets (interleaved mode)")

    def _is_inner(self, view: memoryview, start: int, end: int) -> bool:
        if end - start < 2:
            return False
        kind, second = view[start] & 31, view[start + 1]
        if kind == _FU_A:
            return not second & _START and self._tells_starts
        return self._kinds[kind] & SLICE != 0 and not second & 0x80

    def _fragment(self, view: memoryview, start: int, end: int) -> None:
        if end - start < 2:
            self._count_malformed()
            return
        indicator, fragment = view[start], view[start + 1]
        kind = fragment & 31
        middle = indicator << 8 | kind
        data = view[start + 2 : end]
        if fragment & _START:
            self._tells_starts = True
            self._first_fragment(bytes((indicator & 0xE0 | kind,)), data, kind, middle)
        elif self._fragmented >= 0:  # it belongs to the open NAL unit, whatever type it names: nothing is missing
            self._parts.append(data)
            self._nal_bytes += len(data)
        else:
            self._without_start(bytes((indicator & 0xE0 | kind,)), data, kind, middle)
        if fragment & _END:
            self._last_fragment()
