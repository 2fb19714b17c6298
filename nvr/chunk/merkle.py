"""Merkle trees as RFC 6962 section 2.1 describes them, over SHA-256.

Leaves and inner nodes are hashed with different first bytes, so that neither can pass for the other.
"""

from collections.abc import Sequence
from hashlib import sha256

HASH_BYTES = 32
LEAF = b"\x00"
NODE = b"\x01"


def leaf(data: bytes) -> bytes:
    """The hash of one leaf."""
    return sha256(LEAF + data).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over hashed leaves; of none, the hash of nothing.

    A level's odd last node goes up unchanged, which gives the tree of the RFC: its left half is always full.
    """
    if not leaves:
        return sha256().digest()
    level = list(leaves)
    while len(level) > 1:
        pairs = [sha256(NODE + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]
