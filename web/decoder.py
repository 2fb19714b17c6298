"""The parent's side of the decoder processes: a few spawned workers, each one job at a time, recycled, replaceable."""

import asyncio
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from nvr.errors import IntegrityError, NvrError, StorageError
from web.still_worker import StillJob, StillPicture, serve

WORKERS = 2
TIMEOUT_S = 15.0  # chosen: a 10 s group of 4K pictures takes some 8 s of one core here
JOBS_A_LIFE = 500  # chosen: whatever leaks, leaks not for long; a start costs 0.3 s


class NotWanted(NvrError):
    """Who asked for a picture went away before its turn came."""


class Worker:
    """One decoder process. Blocking; used from one thread at a time."""

    def __init__(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._here, there = spawn.Pipe()
        self._process = spawn.Process(target=serve, args=(there,), name="nvr still", daemon=True)
        self._process.start()
        there.close()  # so that the child's death is the end of the pipe
        self.jobs = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def picture(self, job: StillJob, timeout_s: float) -> StillPicture:
        """Decode.

        Raises:
            IntegrityError: the process died or was too slow; it must be replaced.
        """
        self.jobs += 1
        try:
            self._here.send(job)
            if self._here.poll(timeout_s):
                answer = self._here.recv()
                if isinstance(answer, StillPicture):
                    return answer
        except (EOFError, OSError) as error:
            raise IntegrityError("the decoder died of these pictures", hint="another instant may work") from error
        raise IntegrityError(f"the decoder took longer than {timeout_s:g} s", hint="another instant may work")

    def close(self) -> None:
        """End the process, whatever it does."""
        self._here.close()
        self._process.kill()
        self._process.join()
        self._process.close()


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
        self._places = asyncio.Semaphore(workers)
        self._idle: list[Worker] = []
        self._threads = ThreadPoolExecutor(workers, "still")

    async def picture(self, job: StillJob, wanted: Callable[[], bool] = lambda: True) -> bytes:
        """The JPEG of a job, or its view.

        Args:
            job: what to decode.
            wanted: whether anybody still waits for it, asked when its turn has come.

        Raises:
            NotWanted: nobody does.
            IntegrityError: it cannot be decoded, or a decoder died or hung over it.
        """
        async with self._places:
            if not wanted():
                raise NotWanted("nobody waits for this picture any more")
            # Shielded: a reader that goes away must not leave a worker with an answer for nobody in its pipe.
            answer = await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._threads, self._run, job))
        if answer.failure:
            raise IntegrityError(answer.failure, hint="another instant may work")
        return answer.data

    def warm(self) -> None:
        """Start every worker now, so that the first picture does not wait for it: that takes a second of CPU each.

        Returns at once, while they are getting ready.

        Raises:
            StorageError: one cannot be started.
        """
        while len(self._idle) < self._workers:
            self._idle.append(_start())

    def pids(self) -> list[int]:
        """The idle workers' process ids."""
        return [worker.pid for worker in self._idle if worker.pid is not None]

    def _run(self, job: StillJob) -> StillPicture:
        try:
            worker = self._idle.pop()
        except IndexError:
            worker = _start()
        kept = False
        try:
            answer = worker.picture(job, self.timeout_s)
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


def _start() -> Worker:
    try:
        return Worker()
    except OSError as error:
        raise StorageError(f"no decoder can be started: {error.strerror}", hint="is there memory left?") from error
