"""What a camera was called at a time: told wherever it is not what it is called today."""

import re
import unicodedata

from indexer import camera_names
from nvr.media import Track
from nvr.timebase import TimeRange
from web.archive import Archive

LONGEST = 40  # chosen: a file name stays readable

NameRow = tuple[int, int, str]  # from_us, to_us, name


def other_names(archive: Archive, track: Track, window: TimeRange) -> list[NameRow]:
    """Where in a window the camera had another name than today, clipped to it, by start. Blocks for milliseconds."""
    today = next((channel.name for channel in archive.channels() if channel.number == track.channel), "")
    found = camera_names.between(archive.index().store, track, window)
    rows = [(called, TimeRange(called.start_us, called.end_us).clipped_to(window)) for called in found]
    return [(part.start_us, part.end_us, called.name) for called, part in rows if called.name != today]


def name_at(archive: Archive, track: Track, window: TimeRange) -> str:
    """What the camera was called at the start of what was recorded in a window; empty: the files do not tell."""
    found = camera_names.between(archive.index().store, track, window)
    return found[0].name if found else ""


def for_file(name: str) -> str:
    """A name as part of a file's name: small Latin letters, digits and hyphens, without accents; may be empty."""
    plain = unicodedata.normalize("NFD", name.lower().replace("đ", "d")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST].rstrip("-")
