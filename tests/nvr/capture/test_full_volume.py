"""A volume that runs full: whoever makes room is told, and recording goes on when there is some."""

import threading
from pathlib import Path

from nvr.media import Track, TrackKind
from tests.nvr.capture.rig import recording
from tests.nvr.chunk.mounts import tmpfs
from tools.simcam.fleet import Fleet
from tools.simcam.options import Picture, Town

TRACK = Track(1, TrackKind.MAIN)
BALLAST_BYTES = (16 << 20) - (200 << 10)  # of 16 MiB: 200 KiB are left


def test_full_volume_is_told_and_takes_footage_again_when_there_is_room(tmp_path: Path) -> None:
    told: list[int] = []
    with (
        Fleet(Town(channels=1, main=Picture(320, 180, 25, 300), sub=None)) as fleet,
        tmpfs(tmp_path / "volume1", "16m") as disk,
    ):
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(BALLAST_BYTES))
        with recording(tmp_path, fleet.channels()) as rig:
            made_room = threading.Event()

            def make_room(number: int) -> None:
                told.append(number)
                ballast.unlink(missing_ok=True)
                made_room.set()

            rig.engine.on_full = make_room
            rig.wait(made_room.is_set, "the volume's word that it is full")
            rig.wait(lambda: bool(rig.books.sealed), "a sealed chunk")
            rig.wait(rig.engine.has_recovered, "the end of recovery")
            rig.stop()
            assert set(told) == {1}
            assert {chunk.header.track for chunk in rig.books.sealed} == {TRACK}
