"""What is really drawn on the timeline: how much of a stretch has a colour of the page."""

from tests.web_ui.page import Face

# Rows of the canvas in CSS pixels, as `web/ui/src/timeline/draw.ts` lays them out.
ROWS = {"takes": (59, 5, 8), "doubts": (44, 12, 0)}  # the top of the first, its height, from one to the next

_COUNT = """([colour, from, to, top, tall]) => {
    const canvas = document.querySelector("[data-testid=timeline]");
    const probe = document.createElement("span");
    probe.style.color = `var(--${colour})`;
    document.body.append(probe);
    const wanted = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
    probe.remove();
    const [first, last] = [Number(canvas.dataset.fromUs), Number(canvas.dataset.toUs)];
    const x = (us) => Math.round((us - first) / (last - first) * canvas.width);
    const sharp = canvas.width / canvas.clientWidth;
    const [left, right] = [Math.max(0, x(from)) + 2, Math.min(canvas.width, x(to)) - 2];
    if (right <= left) return null;
    const { data } = canvas.getContext("2d").getImageData(left, top * sharp, right - left, tall * sharp);
    let same = 0;
    for (let at = 0; at < data.length; at += 4) {
        if (wanted.every((part, place) => Math.abs(part - data[at + place]) < 12)) same++;
    }
    return same / (data.length / 4);
}"""


def colours_in(face: Face, colour: str, stretch_us: tuple[int, int], row: tuple[str, int] = ("doubts", 0)) -> float:
    """The share of the pixels of a row between two instants that have a colour of the style sheet; −1: out of view."""
    top, tall, step = ROWS[row[0]]
    share = face.page.evaluate(_COUNT, [colour, *stretch_us, top + row[1] * step, tall])
    return -1.0 if share is None else float(share)
