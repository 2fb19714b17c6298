"""Decode times from presentation times: RTP carries only the latter (RFC 6184 section 5.1), files need both."""

from bisect import insort

DEFAULT_FRAME_90K = 3600  # 25 a second, where the stream does not say; only shifts the first pictures of a run
MAX_REORDER_FRAMES = 16  # the largest decoded picture buffer, ISO/IEC 14496-10 annex A.3.1


class DecodeTimes:
    """Gives each access unit, in decoding order, a decode time that never goes back.

    A decoder that may hold ``reorder_frames`` pictures back shows the i-th picture when it has decoded
    i + reorder_frames (ISO/IEC 14496-10 annex C.4.5.3), so the smallest of the last reorder_frames + 1
    presentation times is the decode time. Streams without B-frames get their presentation times back unchanged.

    Args:
        reorder_frames: what the sequence parameter set says; grows by itself when a stream says too little.
        frame_90k: duration of a picture, to count back from the first one; None: not known.
    """

    def __init__(self, reorder_frames: int, frame_90k: int | None) -> None:
        self.reorder_frames = reorder_frames
        self.frame_90k = frame_90k or DEFAULT_FRAME_90K
        self._window: list[int] = []
        self._last_90k: int | None = None

    def change(self, reorder_frames: int, frame_90k: int | None) -> None:
        """New parameter sets are in force; the times go on from where they are."""
        self.reorder_frames = reorder_frames
        self.frame_90k = frame_90k or self.frame_90k
        self._window = []

    def next(self, presentation_90k: int) -> int:
        """The decode time of the next access unit, strictly more than the one before."""
        last_90k = self._last_90k
        if last_90k is not None and presentation_90k <= last_90k:
            self._deepen(last_90k)
        decode_90k = presentation_90k if self.reorder_frames == 0 else self._reordered(presentation_90k)
        if last_90k is not None and decode_90k <= last_90k:
            decode_90k = last_90k + 1
        self._last_90k = decode_90k
        return decode_90k

    def _deepen(self, last_90k: int) -> None:
        """The stream reorders more than its parameter sets promise."""
        if self.reorder_frames == 0:
            self._window = [last_90k]
        self.reorder_frames = min(self.reorder_frames + 1, MAX_REORDER_FRAMES)

    def _reordered(self, presentation_90k: int) -> int:
        insort(self._window, presentation_90k)
        missing = self.reorder_frames + 1 - len(self._window)
        if missing > 0:
            return self._window[0] - missing * self.frame_90k
        return self._window.pop(0)
