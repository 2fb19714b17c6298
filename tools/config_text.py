"""Edits nvr.toml as a person would: only the block in question changes, every comment stays. Pure."""

import json
import re
import tomllib
from pathlib import Path

_HEADING = re.compile(r"\s*\[")
_VOLUME = re.compile(r"\s*\[\[\s*volumes\s*\]\]")


def quoted(path: Path) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's."""
    return json.dumps(str(path), ensure_ascii=False)


def with_volume(text: str, number: int, path: Path, weight: int) -> str:
    """The same configuration with one more volume, behind the last one."""
    lines = text.splitlines()
    blocks = _volume_blocks(lines)
    at = blocks[-1][1] if blocks else len(lines)
    block = ["[[volumes]]", f"number = {number}", f"path = {quoted(path)}"]
    if weight != 1:
        block.append(f"weight = {weight}")
    return "\n".join([*lines[:at], "", *block, *lines[at:]]) + "\n"


def without_volume(text: str, number: int) -> str:
    """The same configuration without that volume.

    Raises:
        KeyError: its block is not found.
    """
    lines = text.splitlines()
    for start, end in _volume_blocks(lines):
        (volume,) = tomllib.loads("\n".join(lines[start:end]))["volumes"]
        if volume.get("number") == number:
            before, rest = lines[:start], lines[end:]
            while before and rest and not before[-1].strip() and not rest[0].strip():
                before.pop()
            return "\n".join([*before, *rest]) + "\n"
    raise KeyError(number)


def _volume_blocks(lines: list[str]) -> list[tuple[int, int]]:
    """First line and end of each ``[[volumes]]`` block, without the empty lines and comments that lead to the next."""
    headings = [i for i, line in enumerate(lines) if _HEADING.match(line)]
    blocks = []
    for start, after in zip(headings, [*headings[1:], len(lines)], strict=True):
        if _VOLUME.match(lines[start]):
            end = after
            while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("# ")):
                end -= 1
            blocks.append((start, end))
    return blocks
