"""Every page passes axe-core for WCAG 2.2 AA, light and dark: who sees badly or has no mouse works it too."""

from pathlib import Path
from typing import Any

import pytest

from nvr.timebase import US_PER_S
from tests.web_ui.page import Face
from tests.web_ui.town import BFRAMES, GAPPY, Town

AXE = Path(__file__).parents[2] / "web" / "ui" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PAGES = {  # address, and the part that shows that the page is there
    "watch": (f"#/{GAPPY}", "stage"),
    "wall": (f"#/wall/{GAPPY},{BFRAMES}", "wall"),
    "coverage": ("#/coverage", "promise"),
    "timeline": ("#/timeline", "overview-canvas"),
    "troubles": ("#/troubles", "troubles"),
    "bookmarks": ("#/bookmarks", "bookmarks"),
    "find": (f"#/find/{GAPPY}/{{at_us}}", "sheet"),
}


def violations(face: Face) -> list[str]:
    """What axe-core finds, one line each with the first element that offends."""
    face.page.evaluate(AXE.read_text(encoding="utf-8"))
    found: Any = face.page.evaluate(f"() => axe.run(document, {{runOnly: {RULES}}}).then((all) => all.violations)")
    return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:150]} ({len(one['nodes'])})" for one in found]


@pytest.mark.skipif(not AXE.exists(), reason="the front end's packages are not installed: cd web/ui && npm ci")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_violation(face: Face, town: Town, name: str, scheme: Any) -> None:
    address, part = PAGES[name]
    face.page.emulate_media(color_scheme=scheme)
    face.open(address.format(at_us=town.start_us + US_PER_S))
    face.until(face.part(part).is_visible, part)
    face.until(lambda: face.page.evaluate("document.documentElement.dataset.theme") == scheme, scheme)
    assert violations(face) == []


def test_offence_is_found(face: Face, town: Town) -> None:
    face.open("#/troubles")
    face.until(face.part("troubles").is_visible, "troubles")
    face.page.evaluate("() => document.querySelector('main').insertAdjacentHTML('beforeend', '<button></button>')")
    assert any(line.startswith("button-name") for line in violations(face))
