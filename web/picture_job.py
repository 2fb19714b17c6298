"""What a decoder process needs for one picture, read from the chunk files."""

from collections.abc import Iterator, Sequence

from nvr.codec.parameters import decoder_configuration
from nvr.errors import StorageError
from nvr.media import Codec
from nvr.timebase import ticks_from_us
from web.archive import Archive
from web.reading import Part
from web.still_job import StillJob

PIECE_BYTES = 1 << 20  # chosen: a group of 2 s at 4 Mbit/s in one read
_DECODERS = {Codec.H264: "h264", Codec.H265: "hevc"}


def picture_job(archive: Archive, way: Sequence[Part], width: int | None) -> StillJob:
    """The samples that the picture of the last one needs.

    Args:
        archive: reads the files.
        way: what `web.reading.way_to` gave.
        width: of the answer, in pixels; None: as it is.

    The samples are read while one goes through them, which raises StorageError where a file cannot be read.
    """
    sets, start_us = way[-1].footage.parameter_sets, way[0].footage.chunk.start_us
    return StillJob(
        decoder=_DECODERS[sets.codec],
        configuration=decoder_configuration(sets),
        samples=(data for part in way for data in _read_samples(archive, part)),
        presentations_90k=tuple([time_90k for part in way for time_90k in _times_90k(part, start_us)]),
        width=width,
    )


def _times_90k(part: Part, start_us: int) -> list[int]:
    """When the samples of a part are shown, from an instant on, as `web.footage.shown_us_of` counts."""
    rows, footage = part.footage.samples[part.first : part.end], part.footage
    base_90k = ticks_from_us(footage.chunk.start_us - start_us) - footage.delay_90k
    times: list[int] = (rows["decode_90k"] + rows["composition_90k"] + base_90k).tolist()
    return times


def _read_samples(archive: Archive, part: Part) -> Iterator[bytes]:
    """The samples of a part as they lie in the file, read in pieces, so that a long group takes no memory."""
    chunk, rows = part.footage.chunk, part.footage.samples[part.first : part.end]
    piece, begin = b"", 0
    for at, length in zip(rows["offset"].tolist(), rows["size"].tolist(), strict=True):
        if not begin <= at <= at + length <= begin + len(piece):
            piece, begin = archive.read(chunk, at, max(length, PIECE_BYTES)), at
        if len(piece) < at - begin + length:
            raise StorageError("the file is shorter than it was", where=chunk.path)
        yield piece[at - begin : at - begin + length]
