"""The state of a track in the words of the API, and the gap that is still open because of it.

The board keeps what the recorder said last; when its heartbeat has stopped, that is no longer true, and we say so.
"""

from indexer.board import RecorderStatus, TrackStatus
from nvr.capture.ladder import Share
from nvr.capture.report import COARSE
from nvr.media import GapReason
from nvr.timebase import US_PER_S
from web.wire import Gap, LiveState, ReasonWord, RemarkWord

SILENT_AFTER_US = 5 * US_PER_S  # chosen: the heartbeat comes every 200 ms; a sync may hold a thread for a second
OFF = LiveState("off", "operator", "switched off")
_REMARKS: dict[str, RemarkWord] = {COARSE: "coarse", Share.KEY_FRAMES.value: "key_frames"}
_GONE = "the recorder is not running"
_NEVER = "the recorder has not said anything about this stream yet"


def is_running(recorder: RecorderStatus | None, now_us: int) -> bool:
    """Whether the recorder gave a sign of life lately."""
    return recorder is not None and abs(now_us - recorder.heartbeat_us) < SILENT_AFTER_US


def state_of(recorder: RecorderStatus | None, status: TrackStatus | None, now_us: int) -> LiveState:
    """State, reason and message of a track, now."""
    if not is_running(recorder, now_us):
        return LiveState("stopped", "restart", _GONE)
    if status is None:
        return LiveState("connecting", None, _NEVER)
    return LiveState(status.state.value, reason_word(status.reason), status.message)


def remark_of(state: LiveState) -> RemarkWord | None:
    """What is odd about a stream that is recorded all the same, from what the recorder says of it."""
    if state.state != "recording" or not state.message:
        return None
    return _REMARKS.get(state.message, "other")


def open_gap(state: LiveState, last_us: int | None, since_us: int | None, now_us: int) -> Gap | None:
    """The stretch from the end of the footage until now, if the track is not being recorded.

    Args:
        state: of the track.
        last_us: where its footage ends.
        since_us: when its state began, which counts where there is no footage at all.
        now_us: the time.
    """
    start_us = last_us if last_us is not None else since_us
    if state.state == "recording" or start_us is None or start_us >= now_us:
        return None
    reason = state.reason or ("operator" if state.state == "off" else "camera")
    return Gap(start_us, now_us, reason, state.message, open=True)


def reason_word(reason: GapReason | None) -> ReasonWord | None:
    """The API's word for a reason."""
    return None if reason is None else reason.value
