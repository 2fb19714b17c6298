"""Names of chunk files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.chunk.name import ChunkName, PartName, parse, parse_part
from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_S

TRACKS = st.builds(Track, st.integers(1, 99_999), st.sampled_from(TrackKind))
U32 = st.integers(0, 2**32 - 1)
INSTANTS = st.integers(0, 253_402_300_799 * US_PER_S)
CHUNKS = st.builds(ChunkName, TRACKS, INSTANTS, st.integers(0, 10**9), U32, U32, st.booleans())
PARTS = st.builds(PartName, TRACKS, INSTANTS, U32, U32)

NAME = ChunkName(Track(7, TrackKind.MAIN), 1_795_000_000_250_000, 60_040, 0x2A, 3)
PATH = "v1/00007/20261118/11/1795000000250000-60040-0000002a-00003-m.mp4"


def test_name_of_a_main_chunk_is_as_documented() -> None:
    assert NAME.path() == PATH
    assert NAME.part_path() == "v1/00007/20261118/11/1795000000250000-0000002a-00003-m.part"


def test_name_of_a_recovered_sub_chunk_carries_both_letters() -> None:
    name = ChunkName(Track(7, TrackKind.SUB), 0, 0, 0, 0, recovered=True)
    assert name.path() == "v1/00007/19700101/00/0-0-00000000-00000-sr.mp4"


@given(CHUNKS)
def test_name_of_any_chunk_parses_back(name: ChunkName) -> None:
    assert parse(name.path()) == name
    assert parse_part(name.path()) is None


@given(PARTS)
def test_name_of_any_part_parses_back(name: PartName) -> None:
    assert parse_part(name.path()) == name
    assert parse(name.path()) is None


@given(st.text(max_size=100))
def test_parse_of_any_text_is_none_or_exact(text: str) -> None:
    assert parse(text) is None or parse(text).path() == text  # type: ignore[union-attr]
    assert parse_part(text) is None or parse_part(text).path() == text  # type: ignore[union-attr]


@given(CHUNKS, st.data())
def test_parse_of_a_changed_name_is_none_or_exact(name: ChunkName, data: st.DataObject) -> None:
    path = name.path()
    at = data.draw(st.integers(0, len(path) - 1))
    changed = path[:at] + data.draw(st.sampled_from("0179-/.amsr\n٣")) + path[at + 1 :]
    found = parse(changed)
    assert found is None or found.path() == changed


@pytest.mark.parametrize(
    "path",
    [
        "/" + PATH,
        "v1/../" + PATH,
        PATH + "\n",
        PATH.replace("/11/", "/12/"),
        PATH.replace("20261118", "20261119"),
        PATH.replace("-60040-", "-060040-"),
        PATH.replace("0000002a", "0000002A"),
        PATH.replace("v1/00007", "v1/000007"),
        PATH.replace("v1", "v2"),
        PATH.replace("1795000000250000", "999999999999999999"),
    ],
)
def test_parse_of_another_path_is_none(path: str) -> None:
    assert parse(path) is None


def test_names_sort_by_track_and_time() -> None:
    later = ChunkName(NAME.track, NAME.start_us + 1, 0, 0, 0)
    other = ChunkName(Track(8, TrackKind.MAIN), 0, 0, 0, 0)
    assert sorted([other, later, NAME]) == [NAME, later, other]
