"""``nvr check``: do files and index agree, and are the files what was written?"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from nvr.errors import IntegrityError, StorageError
from tools.options import DEFAULT_CONFIG, ConfigFile, settings_from

if TYPE_CHECKING:
    from indexer.verify import Finding
    from nvr.chunk.volume import Volume
    from nvr.config import Settings


def check(
    deep: Annotated[bool, typer.Option("--deep", help="Also read every byte and test every hash.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Test that files and index agree; may run beside the recorder. Ends with 4 if something is wrong."""
    from indexer.reader import IndexReader
    from indexer.registry import Registry
    from indexer.verify import Progress, verify
    from nvr.timebase import SystemClock
    from tools.progress import bar

    settings = settings_from(config)
    with ExitStack() as opened:
        reader = opened.enter_context(IndexReader.open(settings.index_path))
        holds = opened.enter_context(Registry.open(settings.registry_path)).holds.all()
        volumes, findings = _volumes(settings, opened)
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
