"""Merkle trees against the recursive definition of RFC 6962 section 2.1."""

from hashlib import sha256

import pytest

from nvr.chunk import merkle


def by_definition(leaves: list[bytes]) -> bytes:
    if len(leaves) <= 1:
        return sha256(b"\0" + leaves[0]).digest() if leaves else sha256().digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + by_definition(leaves[:half]) + by_definition(leaves[half:])).digest()


@pytest.mark.parametrize("count", [*range(18), 31, 32, 33, 120, 600])
def test_root_of_any_count_follows_the_rfc(count: int) -> None:
    leaves = [number.to_bytes(4, "big") for number in range(count)]
    assert merkle.root([merkle.leaf(data) for data in leaves]) == by_definition(leaves)


def test_root_of_eight_known_leaves_matches_a_published_vector() -> None:
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    expected = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"  # Certificate Transparency's tests
    assert merkle.root([merkle.leaf(bytes.fromhex(leaf)) for leaf in leaves]).hex() == expected


def test_root_changes_when_two_leaves_swap() -> None:
    a, b, c = (merkle.leaf(data) for data in (b"a", b"b", b"c"))
    assert merkle.root([a, b, c]) != merkle.root([b, a, c])


def test_leaf_cannot_pass_for_a_node() -> None:
    a, b = merkle.leaf(b"a"), merkle.leaf(b"b")
    assert merkle.leaf(a + b) != merkle.root([a, b])
