"""``nvr rebuild``: the index, made anew from the files."""

from contextlib import ExitStack

from tools.options import DEFAULT_CONFIG, ConfigFile, settings_from


def rebuild(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Make the index anew from the chunk files; the recorder must not run. Killed, it goes on where it was.

    The old index stays beside the new one, as index.before. The camera list is not touched.
    """
    from indexer.rebuild import Progress, Stage
    from indexer.rebuild import rebuild as made_anew
    from nvr.chunk.volume import Volume
    from nvr.timebase import SystemClock
    from tools.progress import bar

    settings, clock = settings_from(config), SystemClock()
    with ExitStack() as opened, bar("rebuilding") as shown:
        volumes = {
            wanted.number: opened.enter_context(Volume.open(wanted.number, wanted.path, create=False, clock=clock))
            for wanted in settings.volumes
        }

        def report(progress: Progress) -> None:
            match progress.stage:
                case Stage.NAMES:
                    shown(progress.done, progress.total, "file names")
                case Stage.FOOTERS:
                    shown(progress.done, progress.total, "footers")

        rebuilt = made_anew(settings.index_path, volumes, report)
    for file in rebuilt.unreadable:
        print(f"{file.where}: only its name could be indexed: {file.what}")
    print(f"{rebuilt.chunks} chunks indexed, {len(rebuilt.unreadable)} of them by their names only")
