"""What ``nvr check --repair`` does before it checks: opens everything for writing, mends, and says what it did."""

from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from nvr.errors import IntegrityError, StorageError
from nvr.timebase import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from indexer.repair import Mended
    from nvr.chunk.volume import Volume
    from nvr.config import Settings


def mend(settings: "Settings") -> None:
    """Mend what needs no judgement; the recorder must not run.

    Raises:
        StorageError: the recorder runs, the index cannot be written, or it must be made anew and a volume is missing.
    """
    from indexer.rebuild import Progress
    from indexer.repair import renew, repair
    from indexer.writer import IndexWriter
    from tools.progress import bar

    clock = SystemClock()
    with ExitStack() as opened:
        volumes = _volumes(settings, opened)
        with bar("making the index anew") as shown:

            def report(progress: Progress) -> None:
                shown(progress.done, progress.total, progress.stage.value)

            if len(volumes) == len(settings.volumes):
                _tell(renew(settings.index_path, volumes, now_us=clock.wall_us(), report=report))
            else:
                _refuse_if_damaged(settings)
        with IndexWriter.open(settings.index_path) as writer:
            _tell(repair(writer, volumes))
        _tell(_holds(settings, volumes))


def _tell(mended: "Iterable[Mended]") -> None:
    for one in mended:
        print(f"{'left  ' if one.left else 'mended'} {one.where}: {one.what}")


def _volumes(settings: "Settings", opened: ExitStack) -> "dict[int, Volume]":
    """Those that are there; `nvr check` names the others.

    Raises:
        StorageError: another process writes one of them.
    """
    from nvr.chunk.volume import Volume

    volumes = {}
    for wanted in settings.volumes:
        try:
            volume = Volume.open(wanted.number, wanted.path, create=False, clock=SystemClock())
        except StorageError as error:
            if isinstance(error.__context__, BlockingIOError):
                hint = "a repair writes: stop the recorder first (nvr check alone may run beside it)"
                raise StorageError(error.what, where=error.where, hint=hint) from error
            continue
        volumes[wanted.number] = opened.enter_context(volume)
    return volumes


def _refuse_if_damaged(settings: "Settings") -> None:
    """An index that is made anew without a volume would forget what lies on it."""
    from indexer.repair import fault

    error = fault(settings.index_path)
    if error is not None:
        hint = "a volume is missing, and an index made anew would forget it: connect it first"
        raise StorageError(error.what, where=str(settings.index_path), hint=hint) from error


def _holds(settings: "Settings", volumes: "dict[int, Volume]") -> "Iterator[Mended]":
    """Bring the registry and its mirrors together; a registry that cannot be read is never written to."""
    from indexer.registry import Registry
    from indexer.repair import Mended
    from indexer.verify import outdated_mirrors
    from retention.holds import Standing

    clock = SystemClock()
    with suppress(StorageError, IntegrityError), Registry.open(settings.registry_path) as registry:
        holds = Standing(registry.holds, clock)
        before = len(registry.holds.all())
        behind = [v for v in volumes.values() if any(outdated_mirrors([v], registry.holds.all(), clock.wall_us()))]
        readable = [volume for volume in behind if _is_whole(volume)]
        holds.take_back(readable)
        holds.refresh()
        taken = len(registry.holds.all()) - before
        if taken:
            yield Mended(str(settings.registry_path), f"{taken} holds were taken back from the volumes' mirrors")
        troubles = holds.mirror(readable)
        for volume in readable:
            trouble = troubles.get(volume.number)
            words = trouble or "the mirror of the holds was out of date: written anew"
            yield Mended(str(volume.path), words, left=trouble is not None)


def _is_whole(volume: "Volume") -> bool:
    from indexer.holds import decode_all
    from nvr.chunk import mirror

    try:
        decode_all(volume.read_mirror(mirror.HOLDS) or b"[]")
    except (StorageError, ValueError):
        return False
    return True
