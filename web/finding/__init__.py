"""Finding things in footage: when did it appear or vanish, and when did something move here."""
