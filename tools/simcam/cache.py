"""Loops are made once and kept: in ``.cache/simcam`` of the working directory, or where XDG_CACHE_HOME says."""

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tools.simcam.encoder import encode
from tools.simcam.loop import Loop
from tools.simcam.recipe import Recipe

Progress = Callable[[int, int], None]  # loops that are done, loops in all


def default_folder() -> Path:
    """Where loops are kept when nobody says otherwise."""
    home = os.environ.get("XDG_CACHE_HOME")
    return Path(home) / "hoxa-nvr" / "simcam" if home else Path(".cache") / "simcam"


class LoopCache:
    """The folder of loops."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (folder or default_folder()).absolute()

    def has(self, recipe: Recipe) -> bool:
        return (self.folder / recipe.name).exists()

    def load(self, recipe: Recipe) -> Loop:
        """The loop of ``recipe``; drawn and coded now if it is not there yet."""
        try:
            return Loop.load(recipe, self.folder / recipe.name)
        except FileNotFoundError:
            loop = encode(recipe)
            loop.save(self.folder / recipe.name)
            return loop

    def make(self, recipe: Recipe) -> None:
        """See to it that the loop of ``recipe`` is there."""
        if not self.has(recipe):
            self.load(recipe)

    def prepare(self, recipes: Sequence[Recipe], progress: Progress | None = None) -> None:
        """Make all loops that are missing, on all processors."""
        missing = [recipe for recipe in recipes if not self.has(recipe)]
        done = len(recipes) - len(missing)
        if not missing:
            return
        missing.sort(key=lambda recipe: -recipe.width * recipe.height * recipe.frames)  # the long ones first
        workers = min(len(missing), os.cpu_count() or 1)
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
            for future in as_completed([pool.submit(self.make, recipe) for recipe in missing]):
                future.result()
                done += 1
                if progress:
                    progress(done, len(recipes))


class LoopWorker:
    """Makes loops in a process of its own, so that pictures are sent in time meanwhile."""

    def __init__(self, cache: LoopCache) -> None:
        self._cache = cache
        self._pool: ProcessPoolExecutor | None = None

    async def make(self, recipe: Recipe) -> None:
        """See to it that the loop of ``recipe`` is in the cache."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        await asyncio.get_running_loop().run_in_executor(self._pool, self._cache.make, recipe)

    def close(self) -> None:
        """End the process."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
