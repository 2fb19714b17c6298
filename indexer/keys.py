"""Keys of the index: big-endian integers, so that the order of bytes is that of tracks and times (FORMAT.md)."""

import struct
from functools import lru_cache

from nvr.media import Track

SCHEMA = "index 1"  # what `meta` says of the tables below; another word there: another program's index

CHUNK = "chunk"
GAP = "gap"
RUN = "run"
HEAD = "head"
INIT = "init"
INIT_HASH = "init_hash"
DAY = "day"
USAGE = "usage"
VOLUME = "volume"
GARBAGE = "garbage"
COPY = "copy"
NAME = "name"
DOUBT = "doubt"
TABLES = (CHUNK, GAP, RUN, HEAD, INIT, INIT_HASH, DAY, USAGE, VOLUME, GARBAGE, COPY, NAME, DOUBT)

CHUNK_LAYOUT = struct.Struct(">IQH")  # track id, start_us, sequence & 0xffff
_TIME = struct.Struct(">IQ")  # track id, start_us
_PAIR = struct.Struct(">II")
_USAGE = struct.Struct(">IH")
_U32 = struct.Struct(">I")
_U16 = struct.Struct(">H")

LATEST_US = 2**64 - 1


def chunk(track: Track, start_us: int, sequence: int) -> bytes:
    """A chunk's key, 14 bytes."""
    return CHUNK_LAYOUT.pack(track.id, start_us, sequence & 0xFFFF)


def read_chunk(key: bytes) -> tuple[Track, int, int]:
    """Track, start_us and the low 16 bits of the sequence."""
    track_id, start_us, sequence = CHUNK_LAYOUT.unpack(key)
    return _track(track_id), start_us, sequence


def instant(track: Track, wall_us: int) -> bytes:
    """A gap's key, 12 bytes; also stands before every chunk of the track that starts then or later."""
    return _TIME.pack(track.id, min(max(0, wall_us), LATEST_US))


def read_instant(key: bytes) -> tuple[Track, int]:
    """The track and the time of a gap's key."""
    track_id, start_us = _TIME.unpack(key)
    return Track.from_id(track_id), start_us


def start_of(key: bytes) -> int:
    """The time of a gap's or a chunk's key, in microseconds."""
    return int.from_bytes(key[4:12], "big")


def track_of(key: bytes) -> Track:
    """The track of any key that begins with one."""
    return Track.from_id(_U32.unpack_from(key)[0])


@lru_cache(maxsize=4096)
def _track(track_id: int) -> Track:
    """Making an enumeration's member from its number costs more than all else in a key."""
    return Track.from_id(track_id)


def track(of: Track) -> bytes:
    """A track's id, 4 bytes: what its keys in every table begin with, and its key in `head`."""
    return _U32.pack(of.id)


def after_track(of: Track) -> bytes:
    """Stands behind every key of the track."""
    return _U32.pack(of.id + 1)


def run(of: Track, number: int) -> bytes:
    """A run's key, 8 bytes."""
    return _PAIR.pack(of.id, number)


def read_run(key: bytes) -> tuple[Track, int]:
    """The track and the run's number."""
    track_id, number = _PAIR.unpack(key)
    return Track.from_id(track_id), number


def day(of: Track, utc_day: int) -> bytes:
    """The key of a track's UTC day, written ``YYYYMMDD`` as a number, 8 bytes."""
    return _PAIR.pack(of.id, utc_day)


def read_day(key: bytes) -> tuple[Track, int]:
    """The track and the day."""
    track_id, utc_day = _PAIR.unpack(key)
    return Track.from_id(track_id), utc_day


def usage(of: Track, volume: int) -> bytes:
    """The key of what a track occupies on a volume, 6 bytes."""
    return _USAGE.pack(of.id, volume)


def read_usage(key: bytes) -> tuple[Track, int]:
    """The track and the volume's number."""
    track_id, volume = _USAGE.unpack(key)
    return Track.from_id(track_id), volume


def init(number: int) -> bytes:
    """The key of an init segment, 4 bytes."""
    return _U32.pack(number)


def read_init(key: bytes) -> int:
    """The number of an init segment."""
    return int(_U32.unpack(key)[0])


def volume(number: int) -> bytes:
    """A volume's key, 2 bytes."""
    return _U16.pack(number)


def read_volume(key: bytes) -> int:
    """The number of a volume; also of a garbage key, and of the value of a copy."""
    return int(_U16.unpack_from(key)[0])


def garbage(volume_number: int, path: str) -> bytes:
    """The key of a file that is to be deleted: its volume, and its path there."""
    return _U16.pack(volume_number) + path.encode()


def read_garbage(key: bytes) -> tuple[int, str]:
    """The volume's number and the path."""
    return read_volume(key), key[2:].decode()
