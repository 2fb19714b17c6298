"""Debian's gst-rtsp-server, fed with the simulator's loops: pictures tell their instants there too."""

import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import pytest

from nvr.media import Codec, TrackKind
from tests.gst import ACCOUNT, gst_cameras
from tests.tools.simcam.pictures import luma
from tools.simcam import blocks
from tools.simcam.cache import LoopCache
from tools.simcam.gate import Account
from tools.simcam.loop import Loop
from tools.simcam.recipe import Recipe

RECIPE = Recipe(5, TrackKind.MAIN, width=320, height=180, fps=20, kbps=300, gop_ms=500, loop_s=4)


@pytest.fixture
def pair(loops: Path) -> list[Loop]:
    """An H.264 and an H.265 loop."""
    return [LoopCache(loops).load(replace(RECIPE, codec=codec)) for codec in Codec]


def stamps(url: str, transport: str, account: Account | None, count: int = 12) -> tuple[list[blocks.Stamp], int]:
    """The stamps of the first pictures, and how late the last one was seen."""
    if account:
        url = url.replace("://", f"://{account.username}:{account.password.replace(' ', '%20')}@")
    found = []
    with av.open(url, options={"rtsp_transport": transport, "analyzeduration": "300000"}) as container:
        for picture in container.decode(video=0):
            stamp = blocks.read(luma(picture))
            assert stamp
            found.append(stamp)
            if len(found) == count:
                break
        now_us = time.time_ns() // 1000
    return found, now_us - blocks.instant_us(found[-1], now_us, RECIPE.fps, RECIPE.frames)


@pytest.mark.parametrize(
    ("account", "tls", "transport"),
    [(ACCOUNT, False, "tcp"), (ACCOUNT, False, "udp"), (ACCOUNT, True, "tcp"), (None, False, "tcp")],
    ids=["digest-tcp", "digest-udp", "rtsps", "open"],
)
def test_gst_cameras_send_the_loops_at_their_instants(
    pair: list[Loop], tmp_path: Path, account: Account | None, tls: bool, transport: str
) -> None:
    with gst_cameras(pair, tmp_path, account=account, tls=tls) as cameras:
        for mount in range(2):
            found, late_us = stamps(cameras.url(mount), transport, account)
            assert all((b.picture - a.picture) % RECIPE.frames == 1 for a, b in pairwise(found))
            assert 0 < late_us < 1_500_000


def test_gst_camera_keeps_wrong_passwords_out(pair: list[Loop], tmp_path: Path) -> None:
    with gst_cameras(pair[:1], tmp_path) as cameras, pytest.raises(av.error.HTTPUnauthorizedError):
        stamps(cameras.url(0), "tcp", Account("admin", "guess"))
