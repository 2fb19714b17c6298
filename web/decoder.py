"""The parent's side of the decoder processes: a few programs, each one job at a time, recycled, replaceable."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor

import msgspec

from nvr.errors import IntegrityError, NvrError, StorageError
from nvr.log import get_logger
from nvr.timebase import SystemClock
from web.still_job import ANSWER_BYTES, GivenUp, Link, Ready, StillJob, StillPicture
from web.turns import Turns

WORKERS = 2
TIMEOUT_S = 15.0  # chosen: a 10 s group of 4K pictures takes some 8 s of one core here
START_S = 30.0  # within it a process is ready, on a busy machine too
JOBS_A_LIFE = 500  # chosen: whatever leaks, leaks not for long; a start costs 0.2 s
# A program of its own, not a child of multiprocessing: that would carry in all that this process has imported. -P: what
# lies in the folder where the server was started is never run.
PROGRAM = (sys.executable, "-P", "-m", "web.still_worker")

_log = get_logger()


class NotWanted(NvrError):
    """Who asked for a picture has gone away."""


class Worker:
    """One decoder process. Blocking; used from one thread at a time."""

    def __init__(self) -> None:
        here, there = socket.socketpair()
        self._link = Link(here, SystemClock())
        end = there.fileno()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - ours
                (*PROGRAM, str(end)), stdin=subprocess.DEVNULL, pass_fds=(end,)
            )
        except OSError:
            here.close()
            raise
        finally:
            there.close()  # so that the child's death is the end of the link
        self._is_ready = False
        self.jobs = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    def picture(self, job: StillJob, timeout_s: float, unwanted: threading.Event) -> StillPicture:
        """Decode.

        Raises:
            NotWanted: nobody waits any more; the process goes on.
            IntegrityError: the process died or was too slow, or says nonsense; it must be replaced.
            StorageError: the samples cannot be read; the process goes on.
        """
        self.jobs += 1
        try:
            self._await_start()
            self._link.until(timeout_s)
            self._send(job, unwanted)
            return msgspec.msgpack.decode(self._link.receive(ANSWER_BYTES), type=StillPicture)
        except TimeoutError as error:
            raise IntegrityError(f"the decoder took longer than {timeout_s:g} s", hint=_HINT) from error
        except (EOFError, OSError, GivenUp) as error:
            raise IntegrityError("the decoder died of these pictures", hint=_HINT) from error
        except msgspec.MsgspecError as error:
            raise IntegrityError("the decoder's answer is none", hint=_HINT) from error

    def close(self) -> None:
        """End the process, whatever it does."""
        self._link.close()
        self._process.kill()
        self._process.wait()

    def _await_start(self) -> None:
        if self._is_ready:
            return
        self._link.until(START_S)
        ready = msgspec.msgpack.decode(self._link.receive(ANSWER_BYTES), type=Ready)
        if ready.refused:
            _log.warning("the decoder is not confined as it should be", refused=ready.refused[:200])
        self._is_ready = True

    def _send(self, job: StillJob, unwanted: threading.Event) -> None:
        self._link.send(msgspec.msgpack.encode(job.order()))
        try:
            for sample in job.samples:
                if unwanted.is_set():
                    raise NotWanted("nobody waits for this picture any more")
                self._link.send(sample)
        except NvrError:
            self._link.give_up()
            raise


class Decoder:
    """Workers that are started when first needed, or by `warm` before.

    Args:
        workers: how many pictures are decoded at once.
        timeout_s: how long one may take.
        jobs_a_life: after so many a worker is replaced.
    """

    def __init__(self, workers: int = WORKERS, timeout_s: float = TIMEOUT_S, jobs_a_life: int = JOBS_A_LIFE) -> None:
        self.timeout_s = timeout_s
        self._jobs_a_life = jobs_a_life
        self._workers = workers
        self._turns = Turns(workers)
        self._idle: list[Worker] = []
        self._threads = ThreadPoolExecutor(workers, "still")

    async def picture(self, job: StillJob, flow: Hashable = None) -> bytes:
        """The JPEG of a job, or its view. The job's samples are read when its turn has come, and dropped as they go.

        Who is cancelled while waiting for a turn leaves the queue; later, the reading ends.

        Args:
            job: what to decode.
            flow: to what it belongs: turns are fair between flows.

        Raises:
            IntegrityError: it cannot be decoded, or a decoder died or hung over it.
            StorageError: its samples cannot be read.
        """
        await self._turns.take(flow)
        unwanted = threading.Event()
        running = asyncio.get_running_loop().run_in_executor(self._threads, self._run, job, unwanted)
        running.add_done_callback(self._give_back)
        try:
            # Shielded: a reader that goes away must not leave a worker with an answer for nobody, nor its place.
            answer = await asyncio.shield(running)
        except asyncio.CancelledError:
            unwanted.set()
            raise
        if answer.failure:
            raise IntegrityError(answer.failure, hint=_HINT)
        return answer.data

    def waiting(self) -> int:
        """How many pictures wait for their turn."""
        return self._turns.waiting()

    def warm(self) -> None:
        """Start every worker now, so that the first picture does not wait for it: that takes a moment of CPU each.

        Returns at once, while they are getting ready.

        Raises:
            StorageError: one cannot be started.
        """
        while len(self._idle) < self._workers:
            self._idle.append(_start())

    def pids(self) -> list[int]:
        """The idle workers' process ids."""
        return [worker.pid for worker in self._idle]

    def _give_back(self, done: "asyncio.Future[StillPicture]") -> None:
        self._turns.give_back()
        if not done.cancelled():
            done.exception()  # where nobody waits any more, nobody asks for it

    def _run(self, job: StillJob, unwanted: threading.Event) -> StillPicture:
        try:
            worker = self._idle.pop()
        except IndexError:
            worker = _start()
        kept = False
        try:
            try:
                answer = worker.picture(job, self.timeout_s, unwanted)
            except (StorageError, NotWanted):
                kept = True  # no fault of the process
                raise
            kept = worker.jobs < self._jobs_a_life
        finally:
            if kept:
                self._idle.append(worker)
            else:
                worker.close()
        return answer

    def close(self) -> None:
        """End every worker, after the jobs that run."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        while self._idle:
            self._idle.pop().close()


_HINT = "another instant may work"


def _start() -> Worker:
    try:
        return Worker()
    except OSError as error:
        raise StorageError(f"no decoder can be started: {error.strerror}", hint="is there memory left?") from error
