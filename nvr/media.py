"""The types that flow: tracks, samples, fragments, reasons. Words as in ISO/IEC 14496-12 and ONVIF.

`Sample` (one access unit) → `Fragment` (moof + mdat) → chunk (one file, `nvr.chunk`) → index row (`indexer`).
"""

from dataclasses import dataclass
from enum import Enum, IntEnum


class Codec(Enum):
    """A video coding format; the value is the word used in files, the index and the API."""

    H264 = "h264"
    H265 = "h265"


class TrackKind(IntEnum):
    """Which of a camera's streams: the full picture, or the small one for walls and slow links."""

    MAIN = 0
    SUB = 1

    @property
    def word(self) -> str:
        """``main`` or ``sub``, as in the API and the configuration."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, order=True)
class Track:
    """One stream of one channel."""

    channel: int
    kind: TrackKind

    @property
    def id(self) -> int:
        """The number that stands for the track in index keys: ``channel * 16 + kind``, a u32."""
        return self.channel << 4 | self.kind

    @classmethod
    def from_id(cls, track_id: int) -> "Track":
        return cls(track_id >> 4, TrackKind(track_id & 15))

    def __str__(self) -> str:
        return f"channel {self.channel} {self.kind.word}"


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """What a decoder needs before the first picture: bare NAL units, byte for byte as the camera sent them."""

    codec: Codec
    vps: tuple[bytes, ...]  # empty for H.264
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]


@dataclass(slots=True)
class Sample:
    """One access unit in the order of decoding. Not frozen: 2,200 are made a second, and freezing costs 1 µs each.

    ``data`` holds every NAL unit byte for byte as it was sent, in order, each behind its 4-byte length
    (ISO/IEC 14496-15), parameter sets, SEI and delimiters included.
    """

    data: bytes
    presentation_90k: int  # RTP time, unwrapped to 64 bit; the order of showing, so not monotonic with B-frames
    is_sync: bool  # decoding can start here: IDR, CRA, BLA; where a camera sends none of them, a recovery point
    received_us: int  # monotonic, when its last byte was read
    parameter_sets: ParameterSets | None = None  # the complete sets in force, given when they are new or have changed
    lost_packets: int = 0  # RTP packets known to be missing since the sample before
    ntp: int = 0  # the camera's own clock at presentation, 64-bit NTP from RTCP sender reports; 0: not known


@dataclass(frozen=True, slots=True)
class Fragment:
    """Some samples of one chunk, written as one moof + mdat. All tuples have one entry a sample, in decoding order."""

    data: tuple[bytes, ...]
    durations_90k: tuple[int, ...]
    composition_90k: tuple[int, ...]  # presentation − decode time, >= 0
    sync: tuple[bool, ...]
    decode_90k: int  # decode time of the first sample; 0 is the chunk's first sample (tfdt)
    presentation_rtp_90k: int  # RTP time (unwrapped) of the first sample
    wall_us: int  # estimated wall time at which the first sample is shown
    monotonic_us: int  # when the first sample was received
    ntp: int  # the camera's own clock at the first sample, 0: not known
    lost_packets: int  # RTP packets known to be missing before or inside this fragment
    is_coarse: bool = False  # its times are those of receipt: the camera's media time cannot be believed

    @property
    def payload_bytes(self) -> int:
        return sum(map(len, self.data))

    @property
    def duration_90k(self) -> int:
        return sum(self.durations_90k)


class CutReason(Enum):
    """Why a chunk ended. Stored in its footer."""

    SCHEDULE = "schedule"  # the 60 s or 300 s were over
    SIZE = "size"  # forced: too long or too big without a sync sample
    PARAMETER_SETS = "parameter_sets"  # the stream changed: one init a file
    CLOCK = "clock"  # the server's clock stepped
    SILENCE = "silence"  # no picture came for seconds, though the session went on
    SESSION = "session"  # the RTSP session ended
    OVERLOAD = "overload"  # the disk queue overflowed
    DISK = "disk"  # the volume failed or was full
    STOP = "stop"  # the recorder was stopped
    RECOVERED = "recovered"  # found unsealed after a crash, sealed at the next start


class GapReason(Enum):
    """Why footage is missing. Stored with every gap, shown to people, printed in exports."""

    CAMERA = "camera"  # the camera answered wrongly, sent nothing usable, or closed the session
    NETWORK = "network"  # no connection: refused, unreachable, timed out, silent
    AUTHENTICATION = "authentication"  # the camera refused the credentials
    RESTART = "restart"  # the recorder was not running: crash, power cut, update
    DISK = "disk"  # a volume failed, was full or read-only
    OVERLOAD = "overload"  # the disk was too slow for the queue
    OPERATOR = "operator"  # stopped or switched off by a person
    CLOCK = "clock"  # the clock was set forwards: time that never was
    RETENTION = "retention"  # deleted as planned
    SETTINGS = "settings"  # what the recorder knows of the camera cannot be used: a damaged row, a lost key


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of one track without footage, and why. Half-open, wall time."""

    track: Track
    start_us: int
    end_us: int
    reason: GapReason
    detail: str = ""  # one plain sentence for people, never a secret
