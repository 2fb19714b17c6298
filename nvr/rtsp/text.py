"""What a camera says, made fit for people, logs, terminals and the index: short, and nothing that steers them."""

LIMIT = 200  # chosen: characters; one plain sentence has 80


def plain(text: str, limit: int = LIMIT) -> str:
    """The text with blanks for whatever does not print: control characters, escapes, marks that turn the direction.

    Args:
        text: anything.
        limit: how many characters may stay; an ellipsis takes the place of the last one where more were said.
    """
    shown = text[: limit + 1]
    kept = "".join(one if one.isprintable() else " " for one in shown).strip()
    return kept if len(shown) <= limit else kept[: limit - 1] + "…"
