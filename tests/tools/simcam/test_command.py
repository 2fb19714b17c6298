"""The command line of the simulator."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nvr.errors import ConfigError
from nvr.media import Codec, TrackKind
from tools.simcam.options import Picture, Town, channel_set, size


def test_command_prints_its_ports_and_ends_with_its_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.simcam", "--channels=1", "--no-sub", "--size=160x90", "--fps=5"]
    command += ["--loop-s=2", "--main-kbps=50", "--tls-port=0", f"--cache={tmp_path}", "--with-parent"]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert lines[0] == {"making": 1, "of": 1}
    assert lines[1]["ready"]
    assert set(lines[1]["ports"]) == {"rtsp", "rtsps", "control"}
    assert len(list(tmp_path.iterdir())) == 1


def test_town_has_a_loop_for_every_stream() -> None:
    town = Town(channels=3, h265_channels=frozenset({2}))
    recipes = town.recipes()
    assert [(recipe.channel, recipe.kind) for recipe in recipes] == [(c, k) for c in (1, 2, 3) for k in TrackKind]
    assert [recipe.codec for recipe in recipes if recipe.channel == 2] == [Codec.H265, Codec.H264]
    assert len({recipe.name for recipe in recipes}) == 6


def test_town_without_sub_streams_has_none() -> None:
    town = Town(channels=2, sub=None, main=Picture(1920, 1080, 25, 4096))
    assert len(town.recipes()) == 2
    assert town.recipe(1, TrackKind.SUB) is None
    assert town.recipe(3, TrackKind.MAIN) is None


@pytest.mark.parametrize(
    ("text", "numbers"), [("", set()), ("2", {2}), ("2,5-8", {2, 5, 6, 7, 8}), (" 1 , 3-3", {1, 3})]
)
def test_channel_list_is_read(text: str, numbers: set[int]) -> None:
    assert channel_set(text) == numbers


@pytest.mark.parametrize("text", ["x", "1-", "-3", "1;2"])
def test_wrong_channel_list_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="no list of channels"):
        channel_set(text)


@pytest.mark.parametrize("text", ["1920", "axb", "1920x", "x"])
def test_wrong_size_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="no size"):
        size(text)
