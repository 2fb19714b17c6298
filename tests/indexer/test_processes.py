"""Recorder and web as two processes on one index: the reader sees whole commits, and its death costs nothing."""

import signal
import subprocess
import sys
from pathlib import Path

from indexer.reader import IndexReader
from indexer.writer import IndexWriter
from nvr.timebase import TimeRange
from tests.indexer.sealed import MAIN, MINUTE_US, START_US, commit, sealed

EVER = TimeRange(0, 2**60)

READER = """
import sys
from pathlib import Path
from indexer.reader import IndexReader
from nvr.media import Track, TrackKind
from nvr.timebase import TimeRange
track = Track(7, TrackKind.MAIN)
with IndexReader.open(Path(sys.argv[1])) as reader:
    for _ in sys.stdin:
        rows = reader.chunks(track, TimeRange(0, 2**60))
        used = sum(usage.chunks for usage in reader.usage().values())
        print(len(rows), used, reader.last(track), flush=True)
"""

KILLED_WRITER = """
import sys
from pathlib import Path
from indexer.writer import IndexWriter
from tests.indexer.sealed import commit, sealed
with IndexWriter.open(Path(sys.argv[1])) as writer:
    for minute in range(10_000):
        commit(writer, *(sealed(10 * minute + n, run=minute) for n in range(10)))
        print(minute, flush=True)
"""


def test_reader_in_another_process_follows_each_commit(tmp_path: Path) -> None:
    with IndexWriter.open(tmp_path / "index") as writer:
        command = [sys.executable, "-c", READER, str(tmp_path / "index")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as web:
            assert web.stdin is not None
            assert web.stdout is not None
            for minute in range(20):
                commit(writer, sealed(minute))
                web.stdin.write("\n")
                web.stdin.flush()
                expected = f"{minute + 1} {minute + 1} {START_US + (minute + 1) * MINUTE_US}\n"
                assert web.stdout.readline() == expected
            web.send_signal(signal.SIGKILL)
        commit(writer, sealed(20))
        assert len(IndexReader(writer.store).chunks(MAIN, EVER)) == 21


def test_killed_writer_leaves_whole_commits(tmp_path: Path) -> None:
    for _ in range(3):
        command = [sys.executable, "-c", KILLED_WRITER, str(tmp_path / "index")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            told = [int(writer.stdout.readline()) for _ in range(5)]
            writer.kill()
        with IndexReader.open(tmp_path / "index") as reader:
            rows = reader.rows()
            assert rows % 10 == 0
            assert rows >= 10 * (told[-1] + 1)
            assert reader.usage()[MAIN, 1].chunks == rows
            assert sum(run.chunks for run in reader.runs(MAIN)) == rows
