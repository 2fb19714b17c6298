"""File names: the name alone tells the track, the time and the run, so that names alone rebuild an index.

``v1/<channel>/<YYYYMMDD>/<HH>/<start_us>-<duration_ms>-<run>-<sequence>-<flags>.mp4``, times in UTC.
"""

import re
from dataclasses import dataclass

from nvr.chunk.header import ChunkHeader
from nvr.chunk.sealed import SealedChunk
from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_S, parse_utc, utc_day

_HOUR_US = 3600 * US_PER_S
_YEAR_9999_US = 253_402_300_800 * US_PER_S
_LETTERS = {TrackKind.MAIN: "m", TrackKind.SUB: "s"}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}
_FOLDER = r"v1/(\d{5,9})/\d{8}/\d\d/"
_CHUNK = re.compile(_FOLDER + r"(\d{1,18})-(\d{1,12})-([0-9a-f]{8})-(\d{5,10})-([ms])(r?)\.mp4", re.ASCII)
_PART = re.compile(_FOLDER + r"(\d{1,18})-([0-9a-f]{8})-(\d{5,10})-([ms])\.part", re.ASCII)


def folder(channel: int, start_us: int) -> str:
    """The folder of a channel's hour, relative to the volume, with a slash at the end."""
    return f"v1/{channel:05d}/{hour_folder(start_us)}/"


def hour_folder(start_us: int) -> str:
    """The folder of an hour, below its channel's."""
    return f"{utc_day(start_us)}/{start_us // _HOUR_US % 24:02d}"


def hour_us(folder: str) -> int:
    """When the hour of a folder, as `hour_folder` names it, began.

    Raises:
        ValueError: the folder is none of ours.
    """
    return parse_utc(f"{folder[:4]}-{folder[4:6]}-{folder[6:8]}T{folder[9:]}:00:00Z")


@dataclass(frozen=True, slots=True, order=True)
class ChunkName:
    """The name of a sealed chunk."""

    track: Track
    start_us: int
    duration_ms: int  # rounded down, so that a chunk never seems to reach into the next
    run: int
    sequence: int
    recovered: bool = False

    @classmethod
    def of(cls, sealed: SealedChunk) -> "ChunkName":
        header = sealed.header
        duration_ms = sealed.duration_us // 1000
        return cls(header.track, sealed.start_us, duration_ms, header.run, header.sequence, sealed.recovered)

    def path(self) -> str:
        """Where the file lies, relative to its volume."""
        flags = _LETTERS[self.track.kind] + ("r" if self.recovered else "")
        name = f"{self.start_us}-{self.duration_ms}-{self.run:08x}-{self.sequence:05d}-{flags}.mp4"
        return folder(self.track.channel, self.start_us) + name

    def part_path(self) -> str:
        """What the file was called before it was sealed, if its start was estimated rightly when it was made."""
        return PartName(self.track, self.start_us, self.run, self.sequence).path()


@dataclass(frozen=True, slots=True, order=True)
class PartName:
    """The name of a chunk that is being written."""

    track: Track
    start_us: int  # as estimated when the file was made
    run: int
    sequence: int

    @classmethod
    def of(cls, header: ChunkHeader) -> "PartName":
        return cls(header.track, header.start_us, header.run, header.sequence)

    def path(self) -> str:
        """Where the file lies, relative to its volume."""
        name = f"{self.start_us}-{self.run:08x}-{self.sequence:05d}-{_LETTERS[self.track.kind]}.part"
        return folder(self.track.channel, self.start_us) + name


def parse(path: str) -> ChunkName | None:
    """The chunk that a path relative to its volume names; None if it is not exactly such a path."""
    match = _CHUNK.fullmatch(path)
    if match is None:
        return None
    channel, start_us, duration_ms, run, sequence, letter, recovered = match.groups()
    track = Track(int(channel), _KINDS[letter])
    name = ChunkName(track, int(start_us), int(duration_ms), int(run, 16), int(sequence), bool(recovered))
    return name if name.start_us < _YEAR_9999_US and name.path() == path else None


def parse_part(path: str) -> PartName | None:
    """The same for a chunk that is being written."""
    match = _PART.fullmatch(path)
    if match is None:
        return None
    channel, start_us, run, sequence, letter = match.groups()
    name = PartName(Track(int(channel), _KINDS[letter]), int(start_us), int(run, 16), int(sequence))
    return name if name.start_us < _YEAR_9999_US and name.path() == path else None
