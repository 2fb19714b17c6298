import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.codec.box import BoxSpan, box, find, full_box, mdat_header, read_span, walk
from nvr.errors import IntegrityError

PATIENT = settings(deadline=None)  # machines under load are slow now and then
KIND = st.binary(min_size=4, max_size=4)
BOXES = st.lists(st.tuples(KIND, st.binary(max_size=50)), max_size=8)


def test_box_parts_are_joined_behind_size_and_kind() -> None:
    assert box(b"free", b"ab", b"", b"c") == b"\0\0\0\x0bfreeabc"


def test_full_box_has_version_and_flags() -> None:
    assert full_box(b"tfhd", 1, 0x02_0001, b"x") == b"\0\0\0\x0dtfhd\x01\x02\x00\x01x"


@pytest.mark.parametrize(
    ("payload_bytes", "header"),
    [
        (0, b"\0\0\0\x08mdat"),
        (0xFFFF_FFF7, b"\xff\xff\xff\xffmdat"),
        (0xFFFF_FFF8, b"\0\0\0\1mdat\0\0\0\1\0\0\0\x08"),
    ],
)
def test_mdat_header_of_any_length_counts_itself(payload_bytes: int, header: bytes) -> None:
    assert mdat_header(payload_bytes) == header


@PATIENT
@given(BOXES, st.binary(max_size=10))
def test_walk_written_boxes_gives_each(boxes: list[tuple[bytes, bytes]], before: bytes) -> None:
    data = before + b"".join(box(kind, payload) for kind, payload in boxes) + b"after"
    spans = list(walk(memoryview(data), len(before), len(data) - 5))
    assert [(span.kind, data[span.payload : span.end]) for span in spans] == boxes


@PATIENT
@given(BOXES.filter(bool), st.data())
def test_walk_truncated_raises_after_the_whole_boxes(boxes: list[tuple[bytes, bytes]], draw: st.DataObject) -> None:
    data = b"".join(box(kind, payload) for kind, payload in boxes)
    ends = [span.end for span in walk(data)]
    cut = draw.draw(st.integers(1, len(data) - 1).filter(lambda n: n not in ends))
    spans = walk(data[:cut])
    for end in ends:
        if end <= cut:
            assert next(spans).end == end
    with pytest.raises(IntegrityError):
        next(spans)


@PATIENT
@given(st.binary(max_size=200), st.integers(-5, 210), st.integers(-5, 210))
def test_walk_any_bytes_raises_only_integrity_error(data: bytes, start: int, end: int) -> None:
    try:
        spans = list(walk(data, start, end))
    except IntegrityError:
        return
    assert sum(span.end - span.start for span in spans) == max(0, end - start)


@pytest.mark.parametrize(
    "raw", [b"\0\0\0\x07free", b"\0\0\0\1free", b"\0\0\0\1free\0\0\0\0\0\0\0\x0f", b"\0\0\0\x09free", b"\0\0"]
)
def test_read_span_impossible_size_raises_integrity_error(raw: bytes) -> None:
    with pytest.raises(IntegrityError):
        read_span(raw, 0, len(raw))


def test_read_span_large_size_and_size_to_the_end_are_understood() -> None:
    large = b"\0\0\0\1mdat\0\0\0\0\0\0\0\x12ab"
    assert read_span(large, 0, len(large)) == BoxSpan(b"mdat", 0, 16, 18)
    assert read_span(b"xx\0\0\0\0mdatabc", 2, 13) == BoxSpan(b"mdat", 2, 8, 13)


def test_find_nested_box_is_found_by_its_path() -> None:
    inner = box(b"tfdt", b"1234")
    data = box(b"free") + box(b"moof", box(b"mfhd"), box(b"traf", box(b"tfhd"), inner))
    span = find(data, (b"moof", b"traf", b"tfdt"))
    assert data[span.start : span.end] == inner
    with pytest.raises(IntegrityError, match="b'trun'"):
        find(data, (b"moof", b"traf", b"trun"))
