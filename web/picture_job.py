"""What a decoder process needs for one picture, read from a chunk file."""

from nvr.codec.parameters import decoder_configuration
from nvr.errors import StorageError
from nvr.media import Codec
from web.archive import Archive
from web.footage import Footage
from web.still_job import StillJob

_DECODERS = {Codec.H264: "h264", Codec.H265: "hevc"}


def picture_job(archive: Archive, footage: Footage, index: int, width: int | None) -> StillJob:
    """The samples from the sync sample on that the picture of one needs.

    Args:
        archive: reads the file.
        footage: its tables.
        index: of the sample that is wanted.
        width: of the answer, in pixels; None: as it is.

    Raises:
        StorageError: the file cannot be read.
    """
    first = footage.start_for(index)
    rows = footage.samples[first : index + 1]
    times_90k = rows["decode_90k"] + rows["composition_90k"]
    return StillJob(
        decoder=_DECODERS[footage.parameter_sets.codec],
        configuration=decoder_configuration(footage.parameter_sets),
        samples=_read_samples(archive, footage, first, index + 1),
        presentations_90k=tuple(times_90k.tolist()),
        width=width,
    )


def _read_samples(archive: Archive, footage: Footage, first: int, end: int) -> tuple[bytes, ...]:
    """The samples ``[first, end)`` as they lie in the file: one read for all, then cut."""
    rows = footage.samples[first:end]
    start = int(rows["offset"][0])
    size = int(rows["offset"][-1]) + int(rows["size"][-1]) - start
    data = archive.read(footage.chunk, start, size)
    if len(data) < size:
        raise StorageError("the file is shorter than it was", where=footage.chunk.path)
    places = zip((rows["offset"] - start).tolist(), rows["size"].tolist(), strict=True)
    return tuple([data[at : at + length] for at, length in places])
