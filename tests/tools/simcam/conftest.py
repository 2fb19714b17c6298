"""Simulators for tests: small pictures, short groups, so that everything is quick."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nvr.media import Codec, TrackKind
from tests.tools.simcam.reader import Reader
from tools.simcam.fleet import Fleet
from tools.simcam.options import Manners, Picture, Town

FPS = 40
FRAMES = 2 * FPS  # in a loop
TICKS = 90_000 // FPS
TOWN = Town(
    channels=4,
    main=Picture(320, 180, FPS, 800),
    sub=Picture(160, 90, 10, 60),
    h265_channels=frozenset({2}),
    gop_ms=250,
    loop_s=2,
)
Play = Callable[..., Reader]


@pytest.fixture(scope="session")
def loops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache that all simulators of a test run share."""
    return tmp_path_factory.mktemp("loops")


@pytest.fixture(scope="module")
def fleet(loops: Path) -> Iterator[Fleet]:
    """Four cameras; channel 2 is H.265."""
    with Fleet(TOWN, Manners(tls_port=0, cache=loops)) as fleet:
        yield fleet


@pytest.fixture
def play(fleet: Fleet) -> Iterator[Play]:
    """Plays a channel's stream; everything is closed and mended afterwards."""
    readers: list[Reader] = []

    def begin(channel: int, kind: TrackKind = TrackKind.MAIN, *, tls: bool = False, udp: bool = False) -> Reader:
        readers.append(Reader(fleet.url(channel, kind, tls=tls), fleet.account, udp))
        return readers[-1].play()

    yield begin
    for reader in readers:
        reader.close()
    fleet.clear()


def codec(channel: int) -> Codec:
    """Of a channel's main stream."""
    return Codec.H265 if channel in TOWN.h265_channels else Codec.H264
