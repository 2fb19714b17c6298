"""What the recorder says about a track while it runs: facts for the board, and through it for people."""

from dataclasses import dataclass
from enum import Enum

from nvr.media import GapReason, Track

COARSE = "the camera's time stamps cannot be believed: its pictures have the times at which they came"  # a message


class TrackState(Enum):
    """What a track's session is doing."""

    OFF = "off"  # switched off by a person
    CONNECTING = "connecting"  # the handshake is under way
    STARTING = "starting"  # media arrives; waiting for the first picture that can be shown
    RECORDING = "recording"  # fragments reach the disk
    WAITING = "waiting"  # failed; the next try is scheduled
    NO_DISK = "no_disk"  # media arrives, and no volume takes it


@dataclass(frozen=True, slots=True)
class OpenChunk:
    """The chunk that is growing: readable up to ``committed_bytes``, always a whole number of fragments."""

    volume: int
    part_path: str  # relative to the volume
    committed_bytes: int
    run: int
    start_us: int
    end_us: int  # every picture before it is there


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a track's open chunk has grown."""

    track: Track
    volume: int
    open_chunk: OpenChunk | None  # None: it was sealed or lost


@dataclass(frozen=True, slots=True)
class TrackReport:
    """One track, now."""

    track: Track
    state: TrackState
    reason: GapReason | None  # why nothing is recorded; None while something is
    message: str  # for people; empty while all is well
    since_us: int  # wall time at which the state began
    open_chunk: OpenChunk | None
    codec: str  # RFC 6381, empty before the first picture
    width: int
    height: int
    samples: int  # since the recorder started, as the following ones
    bytes: int
    lost_packets: int
    reconnects: int  # tries to open a session again; one that still waits for its next try is not counted
    bitrate_bps: int  # over the last seconds
    fps_milli: int
    clock_offset_us: int | None  # camera − server, from RTCP sender reports; None: it sends none
