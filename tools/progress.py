"""A progress bar on stderr, for people: nothing is shown where stderr is no terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Show = Callable[[int, int, str], None]  # done, of how many (0: not known), words


@contextmanager
def bar(what: str) -> Iterator[Show]:
    """Shows a bar while the block runs; the block calls what it gets whenever it has come further."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)

        def show(done: int, of: int, words: str) -> None:
            progress.update(task, completed=done, total=of or None, description=f"{what}: {words}" if words else what)

        yield show
