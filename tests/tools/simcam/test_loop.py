"""Loops of test pictures: what is coded, kept and read back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nvr.errors import ConfigError, IntegrityError
from nvr.media import Codec, TrackKind
from tests.tools.simcam.pictures import decoded
from tools.simcam import blocks
from tools.simcam.blocks import Stamp
from tools.simcam.cache import LoopCache
from tools.simcam.encoder import encode
from tools.simcam.loop import Loop, nal_type
from tools.simcam.recipe import Look, Recipe

SMALL = Recipe(7, TrackKind.MAIN, width=320, height=180, fps=10, kbps=150, gop_ms=1000, loop_s=4)
KINDS = [
    SMALL,
    replace(SMALL, codec=Codec.H265),
    replace(SMALL, b_frames=2, slices=3, delimiters=True),
    replace(SMALL, codec=Codec.H265, b_frames=2, slices=2),
    replace(SMALL, kind=TrackKind.SUB, width=160, height=90, kbps=60),
]


@pytest.mark.parametrize("recipe", KINDS, ids=lambda recipe: recipe.name)
def test_every_picture_of_a_loop_tells_its_place(recipe: Recipe) -> None:
    loop = encode(recipe)
    stamps = [blocks.read(picture) for picture in decoded(recipe.codec, map(loop.units_at, range(loop.frames)))]
    assert stamps == [Stamp(7, recipe.kind, place) for place in range(40)]


@pytest.mark.parametrize("recipe", KINDS, ids=lambda recipe: recipe.name)
def test_decoding_can_begin_at_every_sync_picture_and_go_round(recipe: Recipe) -> None:
    loop = encode(recipe)
    assert [place for place in range(40) if loop.sync[place]] == [0, 10, 20, 30]
    round_trip = [loop.units_at(place % 40) for place in range(30, 60)]
    pictures = [blocks.read(picture) for picture in decoded(recipe.codec, round_trip)]
    assert [stamp.picture for stamp in pictures if stamp] == [*range(30, 40), *range(20)]


def test_slices_and_delimiters_are_there() -> None:
    loop = encode(replace(SMALL, slices=3, delimiters=True))
    assert [nal_type(Codec.H264, unit) for unit in loop.units_at(5)] == [9, 1, 1, 1]
    assert [nal_type(Codec.H264, unit) for unit in loop.units_at(10)][:3] == [9, 7, 8]


def test_b_frames_wait_until_their_references_are_taken() -> None:
    assert encode(SMALL).delay == 0
    loop = encode(replace(SMALL, b_frames=2))
    assert loop.delay == 2
    assert sorted(loop.shown) == list(range(40))
    assert loop.shown[:4] == (0, 3, 1, 2)


@pytest.mark.parametrize("codec", Codec)
def test_bit_rate_comes_near(codec: Codec) -> None:
    assert 120 <= encode(replace(SMALL, codec=codec)).kbps <= 180


def test_frozen_loop_shows_one_picture() -> None:
    loop = encode(replace(SMALL, look=Look.FREEZE))
    pictures = decoded(Codec.H264, map(loop.units_at, range(40)))
    assert {blocks.read(picture) for picture in pictures} == {Stamp(7, TrackKind.MAIN, 0)}


def test_black_and_blurred_scenes_keep_their_blocks() -> None:
    plain, black, blurred = (
        decoded(Codec.H264, map(loop.units_at, range(10)))
        for loop in (encode(replace(SMALL, look=look)) for look in (Look.PLAIN, Look.BLACK, Look.BLUR))
    )
    middle = np.s_[60:160, :]
    assert black[5][middle].max() < 40 < plain[5][middle].max()
    assert (
        np.abs(np.diff(blurred[5][middle].astype(int))).mean()
        < np.abs(np.diff(plain[5][middle].astype(int))).mean() / 2
    )
    for pictures in (black, blurred):
        assert [blocks.read(picture) for picture in pictures] == [Stamp(7, TrackKind.MAIN, n) for n in range(10)]


def test_cached_loop_equals_the_coded_one(tmp_path: Path) -> None:
    cache = LoopCache(tmp_path)
    first, again = cache.load(SMALL), cache.load(SMALL)
    assert first.annex_b() == again.annex_b()
    assert (first.shown, first.sync, first.kbps) == (again.shown, again.sync, again.kbps)
    again.forget_pages()
    assert [first.units_at(n) for n in range(40)] == [again.units_at(n) for n in range(40)]
    assert [path.name for path in tmp_path.iterdir()] == [SMALL.name]


def test_prepare_makes_what_is_missing(tmp_path: Path) -> None:
    cache, told = LoopCache(tmp_path), list[tuple[int, int]]()
    recipes = [replace(SMALL, channel=channel) for channel in (1, 2, 3)]
    cache.make(recipes[1])
    cache.prepare(recipes, lambda done, of: told.append((done, of)))
    assert told == [(2, 3), (3, 3)]
    assert all(cache.has(recipe) for recipe in recipes)


def test_foreign_file_in_the_cache_is_reported(tmp_path: Path) -> None:
    (tmp_path / SMALL.name).write_bytes(b"something else")
    with pytest.raises(IntegrityError, match="no loop"):
        Loop.load(SMALL, tmp_path / SMALL.name)


def test_access_units_are_numbered_by_the_wall_clock() -> None:
    loop = encode(replace(SMALL, b_frames=2))
    number = loop.cadence.number_of(0, 1_795_000_000_000_000)
    assert loop.nal_units(number) == loop.units_at(0)
    assert [loop.shown_number(number + place) - number for place in range(4)] == [0, 3, 1, 2]


@pytest.mark.parametrize("wrong", [{"width": 321}, {"height": 20}, {"fps": 0}, {"fps": 25, "loop_s": 200}])
def test_impossible_recipe_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        replace(SMALL, **wrong)  # type: ignore[arg-type]
