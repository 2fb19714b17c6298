"""Every target over its seeds, over what a fuzzer found once, and over changes of both."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.chain import Chain
from tests.fuzz.media import Player
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS, playing
from tests.nvr.rtsp.camera import connected

FOUND = Path(__file__).parent / "found"
EXAMPLES = int(os.environ.get("NVR_FUZZ_EXAMPLES", "60"))
STEADY = settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))


def known(target: str) -> list[bytes]:
    return [*seeds(target), *(path.read_bytes() for path in sorted((FOUND / target).glob("*")))]


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_and_finds_raise_nothing_undocumented(target: str) -> None:
    for data in [b"", *known(target)]:
        TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
@STEADY
@given(data=st.data())
def test_changed_seeds_raise_nothing_undocumented(target: str, data: st.DataObject) -> None:
    made = bytearray(data.draw(st.sampled_from([b"", *known(target)])))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(made)))
        cut = data.draw(st.sampled_from((0, 1, 2, 4, 30)))
        made[at : at + cut] = data.draw(st.binary(max_size=12))
    TARGETS[target](bytes(made))


@STEADY
@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=24)), max_size=60))
def test_any_script_of_a_playing_camera_raises_nothing_undocumented(script: list[tuple[int, bytes]]) -> None:
    playing(b"".join(bytes((code,)) + rest for code, rest in script))


def test_good_script_comes_out_as_rows() -> None:
    reception, _ = connected()
    chain = Chain(reception)
    for piece, pause_ms in Player(bytes((0, *[1] * 120)) * 2).pieces():
        chain.feed(piece, pause_ms * 1000)
    chain.end()
    assert len(chain.rows) >= 2
    assert chain.written_bytes > 242 * 40
