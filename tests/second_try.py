"""What ``make test`` remembers of tests that failed at first: ``note`` before they run once more, ``tell`` at the end.

A test that passes only at its second try has a fault, or shows one: it is never passed over in silence.
"""

import json
import sys
from pathlib import Path

FAILED = Path(".pytest_cache/v/cache/lastfailed")  # pytest's own list: node id → true
NOTES = Path(".cache/second_try.txt")


def note(failed: Path = FAILED, notes: Path = NOTES) -> None:
    """Remember the names of what has just failed."""
    names = json.loads(failed.read_text(encoding="utf-8")) if failed.exists() else {}
    notes.parent.mkdir(parents=True, exist_ok=True)
    with notes.open("a", encoding="utf-8") as file:
        file.writelines(f"{name}\n" for name in names)


def told(notes: Path = NOTES) -> str:
    """What there is to say, loudly; empty where every test passed at once. It is forgotten then."""
    names = sorted(set(notes.read_text(encoding="utf-8").splitlines())) if notes.exists() else []
    notes.unlink(missing_ok=True)
    if not names:
        return ""
    bar = "!" * 100
    head = f"{len(names)} TEST(S) NEEDED A SECOND TRY. That is a fault, of the test or of what it tests: mend it."
    return "\n".join([bar, head, *(f"    {name}" for name in names), bar])


if __name__ == "__main__":
    if sys.argv[1] == "note":
        note()
    elif said := told():
        print(said)
