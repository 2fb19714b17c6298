"""Single pictures: frame steps, backwards, fast, scrubbing; and what is drawn is what is said."""

import itertools

import pytest

from nvr.timebase import US_PER_S
from tests.web_ui.page import Drawn, Face
from tests.web_ui.test_playback import stand_at, until_number
from tests.web_ui.town import BFRAMES, GAPPY, GROUP, HEVC_ONLY, RUN_PICTURES, TICK_US, Town

CHUNK = 4 * GROUP


def steps(face: Face, key: str, count: int) -> list[Drawn]:
    """Press a key so often, each time when the picture before has come; gives what was drawn."""
    face.watch_film()
    for number in range(1, count + 1):
        before = face.player("wallTimeUs()")
        face.page.keyboard.press(key)
        face.until(lambda: face.player("wallTimeUs()") != before, f"step {number}")  # noqa: B023
    last_us = face.player("wallTimeUs()")
    face.until(lambda: (drawn := face.drawn()) and drawn[-1].wall_us == last_us, "the last picture")
    return face.drawn()


def is_said(town: Town, drawn: list[Drawn]) -> bool:
    """Whether every picture is the one of the wall time that is said of it."""
    return all(abs(one.wall_us - town.wall_of(one.number)) <= 2 for one in drawn)


@pytest.mark.parametrize(("key", "direction"), [(".", 1), (",", -1)])
def test_steps_leave_out_no_picture_and_repeat_none(face: Face, town: Town, key: str, direction: int) -> None:
    """Over the edges of groups and of a chunk."""
    first = CHUNK - 12 * direction
    stand_at(face, GAPPY, town.wall_of(first) + TICK_US // 2)
    drawn = steps(face, key, 70)
    numbers = [one.number for one in drawn][-70:]
    assert numbers == [first + direction * n for n in range(1, 71)]
    assert is_said(town, drawn)


def test_steps_with_b_frames_come_in_the_order_shown(face: Face, town: Town) -> None:
    stand_at(face, BFRAMES, town.start_us + (GROUP - 5) * TICK_US + TICK_US // 2)
    assert [one.number for one in steps(face, ".", 12)][-12:] == list(range(GROUP - 4, GROUP + 8))
    assert [one.number for one in steps(face, ",", 12)][-12:] == list(range(GROUP + 6, GROUP - 6, -1))


def test_key_held_down_steps_over_every_picture(face: Face, town: Town) -> None:
    stand_at(face, GAPPY, town.wall_of(30) + TICK_US // 2)
    face.watch_film()
    for _ in range(25):
        face.page.keyboard.down(".")
    face.page.keyboard.up(".")
    face.page.wait_for_timeout(300)
    numbers = [one.number for one in face.drawn() if one.number > 30]
    assert numbers == list(range(31, 31 + len(numbers)))
    assert len(numbers) >= 3


def test_step_crosses_gap_and_says_so(face: Face, town: Town) -> None:
    last = RUN_PICTURES - 1
    stand_at(face, GAPPY, town.wall_of(last) + TICK_US // 2)
    face.page.keyboard.press(".")
    until_number(face, RUN_PICTURES)
    assert "30 giây" in face.part("leap").inner_text()
    face.page.keyboard.press(",")
    until_number(face, last)


def test_reverse_shows_every_picture_in_order(face: Face, town: Town) -> None:
    stand_at(face, GAPPY, town.wall_of(CHUNK + 40) + TICK_US // 2)
    face.watch_film()
    face.page.keyboard.press("j")
    face.until(lambda: face.player("wallTimeUs()") < town.wall_of(CHUNK - 40), "it plays backwards")
    face.page.keyboard.press(" ")
    drawn = face.drawn()
    numbers = [one.number for one in drawn if one.number < CHUNK + 40]
    assert numbers == list(range(numbers[0], numbers[-1] - 1, -1))
    assert numbers[0] >= CHUNK + 39
    assert is_said(town, drawn)
    seconds = (drawn[-1].at_ms - drawn[-61].at_ms) / 1000
    print(f"\nreverse 1x: {len(numbers)} pictures, none left out, the last 60 in {seconds:.2f} s (2.40 s is true)")
    assert 2.3 < seconds < 3.6
    # and forwards again from there
    face.part("play").click()
    face.until(lambda: face.player("state") == "playing", "it plays")
    face.until(lambda: (shown := face.shown()) and shown.number > numbers[-1] + 25, "forwards")


def test_reverse_crosses_gap(face: Face, town: Town) -> None:
    stand_at(face, GAPPY, town.wall_of(RUN_PICTURES + 10) + TICK_US // 2)
    face.watch_film()
    face.part("reverse").click()
    face.until(lambda: face.player("wallTimeUs()") < town.wall_of(RUN_PICTURES - 10), "across the gap")
    assert "30 giây" in face.part("leap").inner_text()
    numbers = [one.number for one in face.drawn()]
    assert numbers == list(range(numbers[0], numbers[-1] - 1, -1))


def test_reverse_ends_where_footage_begins(face: Face, town: Town) -> None:
    stand_at(face, GAPPY, town.wall_of(5) + TICK_US // 2)
    face.page.keyboard.press("j")
    face.until_state("hole")


@pytest.mark.parametrize("direction", [1, -1])
def test_fast_goes_by_key_frames_at_its_speed(face: Face, town: Town, direction: int) -> None:
    stand_at(face, GAPPY, town.wall_of(20 if direction == 1 else RUN_PICTURES - 20) + TICK_US // 2)
    for _ in range(3):
        face.page.keyboard.press("d")
    face.watch_film()
    face.page.keyboard.press(" " if direction == 1 else "j")
    face.until(lambda: len({one.wall_us for one in face.drawn()}) > 5, "pictures")
    face.page.keyboard.press("k")
    drawn = face.drawn()[1:]
    assert all(one.number % GROUP == 0 for one in drawn)
    moves = {b.number - a.number for a, b in itertools.pairwise(drawn)}
    assert {move * direction > 0 for move in moves} == {True}
    speed = abs(drawn[-1].wall_us - drawn[0].wall_us) / 1000 / (drawn[-1].at_ms - drawn[0].at_ms)
    print(f"\n8x {'forwards' if direction == 1 else 'backwards'}: {speed:.1f}x")
    assert 5 < speed < 11


def test_h265_alone_steps_and_reverses_by_stills(face: Face, town: Town) -> None:
    face.open(f"#/{HEVC_ONLY}/{town.start_us + 2 * US_PER_S + 1_000}")
    face.until_state("playing", "past")
    face.part("play").click()
    face.until_state("paused")
    face.page.keyboard.press(",")
    number = face.until(face.shown, "a still").number
    face.page.keyboard.press(",")
    until_number(face, number - 1)
    face.watch_film()
    face.page.keyboard.press("j")
    face.until_state("hole")
    assert face.drawn()[-1].number == 0, "it played to the beginning"


@pytest.mark.alone
def test_scrubbing_shows_eight_pictures_a_second(face: Face, town: Town) -> None:
    at_us = town.wall_of(100)
    stand_at(face, GAPPY, at_us)
    for _ in range(12):
        face.page.keyboard.press("+")
    line = face.part("timeline")
    box = line.bounding_box()
    from_us, to_us = (int(line.get_attribute(f"data-{end}-us")) for end in ("from", "to"))

    def place(wall_us: float) -> float:
        return float(box["x"] + (wall_us - from_us) / (to_us - from_us) * box["width"])

    y = box["y"] + 70
    face.page.mouse.move(place(at_us), y)
    face.page.mouse.down()
    face.watch_film()
    began_ms = face.page.evaluate("() => performance.now()")
    for n in range(1, 61):
        face.page.mouse.move(place(at_us + n * 150_000), y)
        face.page.wait_for_timeout(25)
    moved_s = (face.page.evaluate("() => performance.now()") - began_ms) / 1000
    drawn = face.drawn()
    target_us = at_us + 60 * 150_000
    face.page.mouse.up()
    pixel_us = (to_us - from_us) / box["width"]
    face.until(lambda: (wall := face.player("wallTimeUs()")) and abs(wall - target_us) <= pixel_us + TICK_US, "exactly")
    assert is_said(town, face.drawn())
    assert len(drawn) / moved_s >= 8
    print(f"\nscrub: {len(drawn)} pictures in {moved_s:.2f} s, {len(drawn) / moved_s:.1f} a second")
