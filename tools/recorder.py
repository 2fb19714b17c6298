"""``nvr recorder``: the process that must not die. It writes footage, index and board, and decodes nothing."""

import faulthandler

from tools.options import DEFAULT_CONFIG, ConfigFile, settings_from


def recorder(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Record all cameras until told to stop; ``nvr run`` starts this beside the web server."""
    from nvr.watchdog import end_with_supervisor
    from tools.assembly import record

    faulthandler.enable()  # a crash, or a watchdog's SIGABRT, tells where each thread stood, without values
    end_with_supervisor()
    record(config, settings_from(config))
