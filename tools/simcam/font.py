"""Digits and the few letters that the simulator writes into its pictures, five dots wide and seven high."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

DOTS_WIDE, DOTS_HIGH = 5, 7
ADVANCE = DOTS_WIDE + 1

# One hexadecimal pair a row from the top, five bits each, the leftmost dot first.
_GLYPHS = {
    "0": "0E11131519110E", "1": "040C040404040E", "2": "0E11010204081F", "3": "1F02040201110E", "4": "02060A121F0202",
    "5": "1F101E0101110E", "6": "0608101E11110E", "7": "1F010204080808", "8": "0E11110E11110E", "9": "0E11110F01020C",
    "A": "0E11111F111111", "B": "1E11111E11111E", "C": "0E11101010110E", "H": "1111111F111111", "I": "0E04040404040E",
    "M": "111B1515111111", "N": "11191513111111", "S": "0F10100E01011E", "U": "1111111111110E", ":": "000C0C000C0C00",
    ".": "00000000000C0C", " ": "00000000000000",
}  # fmt: skip


def bitmap(text: str) -> NDArray[np.bool_]:
    """The dots of a line of text, 7 × 6 per character; a character without a glyph is left blank."""
    return np.concatenate([_glyph(character) for character in text], axis=1)


@cache
def _glyph(character: str) -> NDArray[np.bool_]:
    rows = bytes.fromhex(_GLYPHS.get(character, _GLYPHS[" "]))
    dots = [[bool(row >> x & 1) for x in reversed(range(DOTS_WIDE))] + [False] for row in rows]
    return np.array(dots, bool)


def write(luma: NDArray[np.uint8], text: str, x: int, y: int, dot: int, *, ink: int, paper: int) -> None:
    """Write ``text`` in dots of ``dot`` pixels on a plate of ``paper``, its left upper corner at (x, y)."""
    dots = bitmap(text).repeat(dot, axis=0).repeat(dot, axis=1)
    height, width = dots.shape
    luma[max(0, y - dot) : y + height + dot, max(0, x - dot) : x + width + dot] = paper
    room = luma[y : y + height, x : x + width]
    room[dots[: room.shape[0], : room.shape[1]]] = ink
