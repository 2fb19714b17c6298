"""Where a fuzzer begins: small, whole examples of each kind, made from what the project has."""

from collections.abc import Iterator

from indexer import records
from tests.indexer import format_example as index_example
from tests.nvr.chunk import format_example as chunk_example
from tests.nvr.rtsp.camera import CAPTURES, PPS, PPS_265, SDP, SPS, SPS_265, VPS_265, goodbye, sender_report

CONVERSATION_BYTES = 20_000  # chosen: the handshake and some pictures


def seeds(target: str) -> Iterator[bytes]:
    """The examples for a target; none for those that need none."""
    chunk, places = chunk_example.example()
    row = records.from_sealed(index_example.CHUNK, 1, 1)
    key = records.key_of(row)
    made: dict[str, list[bytes]] = {
        "conversation": [path.read_bytes()[:CONVERSATION_BYTES] for path in sorted(CAPTURES.glob("*.rtsp"))],
        "playing": [
            bytes((0, 1, 1, 2, 0x81, 9)) + bytes(12),
            bytes((0, 3, 0, 0, 255, 255, 1, 12, 20)),
            bytes(range(256)),
        ],
        "description": [SDP.encode()],
        "message": [b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nabc", b"OPTIONS * RTSP/1.0\r\n\r\n"],
        "challenge": [b'Digest realm="r", nonce="n", qop="auth", algorithm=MD5\nBasic realm="x"'],
        "report": [sender_report(1 << 63, 5), goodbye()],
        "parameter_sets": [
            b"\0" + b"".join(b"\0\0\1" + unit for unit in (SPS, PPS)),
            b"\xff" + b"".join(b"\0\0\1" + unit for unit in (VPS_265, SPS_265, PPS_265)),
        ],
        "chunk_file": [chunk],
        "boxes": [chunk[places["header"] :], chunk[places["first"] :], chunk[places["footer"] :]],
        "rows_of_the_index": [bytes((len(key),)) + key + records.encode(row)],
        "key_frames": [row.keyframe_table],
        "names": [row.name().path().encode()],
        "camera_list": [b"number,name,main_url\n1,Market gate,rtsp://192.0.2.11/main\n", b"[[camera]]\nnumber = 1\n"],
    }
    yield from made.get(target, [])
