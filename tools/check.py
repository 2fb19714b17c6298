"""``nvr check``: do files and index agree, and are the files what was written?"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from nvr.errors import IntegrityError, StorageError
from tools.options import DEFAULT_CONFIG, ConfigFile, settings_from

if TYPE_CHECKING:
    from indexer.holds import Hold
    from indexer.reader import IndexReader
    from indexer.verify import Finding
    from nvr.chunk.volume import Volume
    from nvr.config import Settings


def check(
    deep: Annotated[bool, typer.Option("--deep", help="Also read every byte and test every hash.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="First mend what can be mended; the recorder must not run.")
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Test that files and index agree; may run beside the recorder. Ends with 4 if something is wrong.

    With --repair it first says, one line each, what it mended and what it left. It never deletes footage.
    """
    from indexer.verify import Progress, outdated_mirrors, verify
    from nvr.timebase import SystemClock
    from tools.progress import bar

    settings = settings_from(config)
    if repair:
        from tools.repair import mend

        mend(settings)
    with ExitStack() as opened:
        reader = opened.enter_context(_index(settings))
        volumes, findings = _volumes(settings, opened)
        holds, damage = _holds(settings)
        findings += damage or outdated_mirrors(volumes.values(), holds, SystemClock().wall_us())
        with bar("checking") as shown:

            def report(progress: Progress) -> None:
                shown(progress.rows, progress.of_rows, f"{progress.findings} findings")

            now_us = SystemClock().wall_us()
            findings += verify(reader, volumes, now_us=now_us, holds=holds, deep=deep, report=report)
        rows = reader.rows()
    _print(findings)
    if findings:
        raise IntegrityError(f"{len(findings)} findings in {rows} chunks", hint="each is listed above with its mend")
    print(f"{rows} chunks on {len(volumes)} volumes: nothing is wrong")


def _index(settings: "Settings") -> "IndexReader":
    from indexer.reader import IndexReader

    try:
        return IndexReader.open(settings.index_path)
    except StorageError as error:
        hint = "nvr check --repair makes it anew from the files, and keeps the old one beside it"
        raise StorageError(error.what, where=error.where, hint=hint) from error


def _holds(settings: "Settings") -> "tuple[Sequence[Hold], list[Finding]]":
    """The holds; or what is wrong with the registry, which nothing can make anew and no repair touches."""
    from indexer.registry import Registry
    from indexer.verify import Finding, Invariant

    try:
        with Registry.open(settings.registry_path) as registry:
            return registry.holds.all(), [
                Finding(Invariant.I3, f"channel {one.channel.number}", one.why, "") for one in registry.unusable()
            ]
    except (StorageError, IntegrityError) as error:
        where = str(settings.registry_path)
        hint = "cameras and holds stand in it: nvr registry restore puts the newest copy back that lies on the volumes"
        return (), [Finding(Invariant.I3, where, f"the registry cannot be read: {error}", hint)]


def _volumes(settings: "Settings", opened: ExitStack) -> "tuple[dict[int, Volume], list[Finding]]":
    """The volumes that can be looked at, and what is wrong with the others."""
    from indexer.verify import Finding, Invariant
    from nvr.chunk.volume import Volume
    from nvr.timebase import SystemClock

    volumes, findings = {}, []
    for wanted in settings.volumes:
        try:
            volume = Volume.open(wanted.number, wanted.path, create=False, read_only=True, clock=SystemClock())
        except StorageError as error:
            findings.append(Finding(Invariant.I1, error.where, error.what, error.hint))
            continue
        volumes[wanted.number] = opened.enter_context(volume)
    return volumes, findings


def _print(findings: "Sequence[Finding]") -> None:
    from indexer.verify import Invariant

    for invariant in Invariant:
        broken = [finding for finding in findings if finding.invariant is invariant]
        if broken:
            print(f"{invariant.name} is broken ({invariant.value}), {len(broken)} findings:")
        for finding in broken:
            print(f"  {finding.where}: {finding.what}" + (f"\n    → {finding.hint}" if finding.hint else ""))
