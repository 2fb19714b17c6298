"""What the recorder says in English is known to the page, sentence by sentence."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from nvr.capture.descriptors import NO_DESCRIPTOR
from nvr.capture.ladder import Share
from nvr.capture.outlet import NO_VOLUME, TOO_MUCH, TOO_SLOW
from nvr.capture.report import COARSE, TrackState
from nvr.media import GapReason
from tests.web_ui.page import Face
from tests.web_ui.test_truth import altered, post
from tests.web_ui.town import GAPPY, SICK, Town

ROOT = Path(__file__).parents[2]
FORMS = json.loads((ROOT / "web/ui/src/i18n/forms.json").read_text(encoding="utf-8"))
# Which argument of which call is a sentence for people that reaches the page.
SENTENCES = {
    "AuthenticationError": 0,
    "CameraError": 0,
    "NetworkError": 0,
    "_error": 0,
    "_refuse": 0,
    "disk_failed": 0,
    "Absence": 1,
    "Unusable": 1,
    "_interrupt": 1,
    "_missing": 1,
    "in_clear": 1,
    "LiveState": 2,
    "_enter": 2,
    "Gap": 4,
}
# Made of parts that are sentences of their own, and are tested as those.
PARTS = {"", "…", "…: …", "nothing is recorded: …", "the camera sends …", "…: put the right … back, or …"}


def spoken(node: ast.expr) -> Iterator[str]:
    """The sentences that an expression may be; what is only known when it runs is "…"."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=values):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in values)
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*spoken(body), *spoken(orelse))
        case ast.BoolOp(values=options):
            yield from (text for option in options for text in spoken(option))
        case _:
            return


def sentences() -> set[str]:
    """All that recorder and server say of a camera or a gap, as their sources have it."""
    found = {COARSE, NO_DESCRIPTOR, NO_VOLUME, TOO_MUCH, TOO_SLOW, *(share.value for share in Share if share.value)}
    for folder in ("nvr/capture", "nvr/rtsp", "nvr/codec", "indexer", "retention", "web"):
        for path in (ROOT / folder).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                    place = SENTENCES.get(name, len(node.args))
                    begin = "the camera sends " if name == "_refuse" else ""
                    found |= {begin + text for argument in node.args[place : place + 1] for text in spoken(argument)}
                elif isinstance(node, ast.FunctionDef) and node.name in ("_plain", "lacks") and folder != "web":
                    returns = [one.value for one in ast.walk(node) if isinstance(one, ast.Return) and one.value]
                    found |= {text for value in returns for text in spoken(value)}
    return found - PARTS


def test_every_sentence_of_the_recorder_is_known_to_the_page() -> None:
    told = sentences()
    assert len(told) > 60
    unknown = {text for text in told if not any(re.search(form, text.replace("…", "401")) for form in FORMS.values())}
    assert not unknown, "put them into web/ui/src/i18n/forms.json"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("192.0.2.7:554: the camera closed the connection", "Camera tự ngắt kết nối"),
        ("the camera has been silent for 8 s (check power and network)", "Camera không trả lời"),
        (NO_VOLUME, "Mọi ổ đĩa đều đầy hoặc hỏng"),
    ],
)
def test_card_of_a_camera_speaks_the_language_of_the_page_with_the_original_below(
    face: Face, town: Town, message: str, words: str
) -> None:
    post(town, TrackState.WAITING, GapReason.CAMERA, message)
    try:
        face.open(f"#/{SICK}")
        card = face.part("camera-away")
        face.until(lambda: card.count() and words in card.inner_text(), "the words")
        assert message in card.locator("[lang=en]").inner_text()
        assert face.part("said").evaluate("part => part.nextElementSibling.lang") == "en"
    finally:
        post(town, TrackState.WAITING, GapReason.NETWORK, "no route to host")


def test_gap_speaks_the_language_of_the_page_and_what_is_not_known_stays_as_it_is(face: Face, town: Town) -> None:
    face.open(f"#/{GAPPY}/{sum(town.gap) // 2}")
    face.until_state("hole")
    assert "Không có đường mạng tới camera" in face.part("hole").inner_text()
    assert face.part("hole").locator("[lang=en]").inner_text() == "no route to host"

    def newer(told: dict[str, list[dict[str, str]]]) -> None:
        for gap in told["gaps"]:
            gap["detail"] = "the moon stood in the way"

    altered(face, f"/api/channels/{GAPPY}/fragments?*", newer)
    face.page.reload()
    face.until(lambda: "the moon" in face.part("hole").inner_text(), "the sentence as it is")
    assert face.part("said").count() == 0
