"""The search finds the key frame of a change among people, clouds, dusk and noise, and says what it cannot decide."""

from dataclasses import replace

import pytest

from nvr.timebase import US_PER_S
from tests.web.finding.scenes import BOX, GOP_US, HEIGHT, START_US, WIDTH, Scene, ended, found
from web.finding.bisect import LIMIT, Verdict, search
from web.finding.likeness import frame

S, M, H = US_PER_S, 60 * US_PER_S, 3600 * US_PER_S
SCENES = [
    Scene(1, 5 * H + 123 * S),
    Scene(2, 15 * H + 7 * S, thing="leaflet", passers=0.2),
    Scene(3, 9 * H + 1, thing="motorbike", comes=False),
    Scene(4, 13 * H + 55 * S, thing="crate", light="clouds"),
    Scene(5, 20 * H + 61 * S, light="dusk", begin_us=10 * H, length_us=14 * H),
    Scene(6, 14 * H + 5 * S, light="round"),
    Scene(7, 3 * H + 5 * S, light="round", thing="motorbike"),
    Scene(8, 17 * H + 5 * S, light="dusk", thing="crate", begin_us=12 * H, length_us=10 * H, comes=False),
    Scene(9, 8 * H + 33 * S, passers=0.3, noise=6),
    Scene(10, 11 * H + 33 * S, passers=0.25, sway=1, light="clouds", comes=False),
    Scene(11, 12 * H + 44 * S, thing="leaflet", noise=8, sway=1),
    Scene(12, 7 * H + 44 * S, loiterer_us=(12 * H - 2 * M, 12 * H + 2 * M)),
    Scene(13, 6 * H + 44 * S, loiterer_us=(6 * H + 60 * S, 6 * H + 150 * S)),
    Scene(14, 21 * H + 44 * S, light="round", thing="crate", passers=0.2, begin_us=6 * H),
    Scene(15, 2 * H + 9 * S, light="clouds", thing="motorbike", passers=0.15, sway=2, length_us=6 * H),
    Scene(16, 40 * M + 9 * S, length_us=H, passers=0.3),
    Scene(17, 23 * H + 44 * S, comes=False, thing="motorbike", light="clouds"),
    Scene(18, 10 * H + 44 * S, missing_us=(6 * H, 7 * H)),
    Scene(19, 17 * H + 58 * M, light="dusk", begin_us=8 * H, length_us=12 * H, passers=0.15),
    Scene(20, 4 * H + 8 * S, light="round", comes=False, passers=0.2, length_us=12 * H),
]


def hits(scenes: list[Scene]) -> list[bool]:
    """Whether the search of each names the two key frames between which the change lies."""
    right = []
    for scene in scenes:
        finding, change_us = found(scene), START_US + scene.change_us
        assert finding.decodes <= LIMIT
        assert finding.verdict in {Verdict.FOUND, Verdict.UNSURE}, (scene, finding)
        assert finding.before_us < change_us <= finding.after_us, (scene, finding)  # never a wrong answer
        right.append(finding.after_us - finding.before_us <= GOP_US)
    return right


def test_change_is_found_to_the_key_frame_in_nineteen_of_twenty_scenes() -> None:
    assert sum(hits(SCENES)) >= 19


def test_other_places_with_more_noise_and_sway_are_no_harder() -> None:
    harder = [replace(one, seed=one.seed + 7000, sway=min(2, one.sway + 1), noise=one.noise + 1) for one in SCENES]
    assert sum(hits(harder)) >= 17


def test_thing_that_came_and_went_and_thing_that_never_came_are_not_found() -> None:
    assert found(Scene(21, 5 * H, back_us=20 * H)).verdict is Verdict.ALIKE
    assert found(Scene(22, 48 * H)).verdict is Verdict.ALIKE
    assert found(Scene(23, 48 * H, light="clouds", passers=0.3, sway=1)).verdict is Verdict.ALIKE


def test_somebody_who_stands_before_the_thing_as_it_comes_hides_only_that_while() -> None:
    scene = Scene(24, 6 * H + 44 * S, loiterer_us=(6 * H + 20 * S, 6 * H + 140 * S))
    finding = found(scene)
    assert finding.before_us < START_US + scene.change_us <= finding.after_us
    assert finding.after_us - finding.before_us <= 120 * S + 2 * GOP_US


def test_change_while_nothing_was_recorded_is_told_as_the_whole_hole() -> None:
    scene = Scene(25, 6 * H + 30 * M, missing_us=(6 * H, 7 * H))
    finding = found(scene)
    assert finding.verdict is Verdict.FOUND
    assert (finding.before_us, finding.after_us) == (START_US + 6 * H - GOP_US, START_US + 7 * H)


def test_place_in_which_nothing_can_be_seen_is_dark() -> None:
    scene = Scene(26, 6 * H, noise=0)
    asking = search(START_US, START_US + H, frame(BOX, WIDTH, HEIGHT))
    finding = ended(asking, lambda at_us: replace(scene.sight(at_us), view=scene.sight(at_us).view * 0 + 16))
    assert finding.verdict is Verdict.DARK


def test_camera_that_was_turned_away_cannot_be_compared() -> None:
    one, other = Scene(27, 48 * H), Scene(9999, 48 * H)
    asking = search(START_US, START_US + H, frame(BOX, WIDTH, HEIGHT))
    finding = ended(asking, lambda at_us: (one if at_us < START_US + H // 2 else other).sight(at_us))
    assert finding.verdict is Verdict.UNLIKE


def test_no_footage_is_nothing_and_a_search_always_ends() -> None:
    asking = search(START_US, START_US + H, frame(BOX, WIDTH, HEIGHT))
    assert ended(asking, lambda _at_us: None).verdict is Verdict.NOTHING


@pytest.mark.parametrize("limit", [6, 12])
def test_too_few_decodes_give_the_stretch_that_is_left(limit: int) -> None:
    finding = found(SCENES[0], limit)
    assert finding.verdict is Verdict.UNSURE
    assert finding.decodes <= limit
    assert finding.before_us < START_US + SCENES[0].change_us <= finding.after_us
