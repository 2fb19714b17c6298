"""Times of receipt are marked from the stamp to the index row, also where a crash left the seal to recovery."""

from dataclasses import replace
from pathlib import Path

import pytest

from indexer import records
from nvr.chunk.reader import ChunkReader
from nvr.chunk.recovery import recover
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.writer import ChunkWriter
from nvr.media import Codec, CutReason
from tests.manual_clock import ManualClock
from tests.nvr.chunk.footage import START_US, footage, header, open_volume

SHOWN = footage(Codec.H264)


def written(coarse_fragments: set[int]) -> tuple[list[bytes], ChunkWriter]:
    writer = ChunkWriter(header(SHOWN))
    pieces = [writer.preamble()]
    for number, fragment in enumerate(SHOWN.fragments()):
        pieces += writer.append(replace(fragment, is_coarse=number in coarse_fragments))
    return pieces, writer


@pytest.mark.parametrize(("coarse", "expected"), [(set(), False), ({0}, True), ({1}, True)])
def test_one_coarse_fragment_marks_file_and_row(tmp_path: Path, coarse: set[int], expected: bool) -> None:
    pieces, writer = written(coarse)
    tail, sealed = writer.seal(start_us=START_US, duration_us=1_000_000, cut=CutReason.SCHEDULE)
    (tmp_path / "chunk.mp4").write_bytes(b"".join([*pieces, tail]))
    with ChunkReader(tmp_path / "chunk.mp4") as reader:
        assert list(reader.problems()) == []
        assert reader.summary() == sealed
    assert sealed.is_coarse is expected
    assert records.from_sealed(sealed, 1, 1).is_coarse is expected


def test_recovered_file_is_coarse_as_its_stamps_are(tmp_path: Path, clock: ManualClock) -> None:
    def recovered(coarse: set[int], sequence: int) -> SealedChunk | None:
        writer = ChunkWriter(header(SHOWN, volume_uuid=volume.uuid, sequence=sequence))
        part = volume.create(writer.header, 0)
        part.append([writer.preamble()])
        for number, fragment in enumerate(SHOWN.fragments()):
            part.append(writer.append(replace(fragment, is_coarse=number in coarse)))
        part.abandon()
        return recover(volume, part.path)

    volume = open_volume(tmp_path / "disk", clock)
    marked, plain = recovered({1}, 1), recovered(set(), 2)
    assert marked is not None
    assert plain is not None
    assert (marked.is_coarse, plain.is_coarse) == (True, False)
