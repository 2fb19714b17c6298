"""``nvr web``: the web server alone, as systemd starts it; ``nvr run`` starts it beside the recorder."""

import faulthandler

from tools.options import DEFAULT_CONFIG, ConfigFile, settings_from


def web(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Serve the web page, footage and live pictures until told to stop."""
    from nvr.watchdog import end_with_supervisor
    from web.address import opened

    faulthandler.enable()  # a crash, or a watchdog's SIGABRT, tells where each thread stood, without values
    end_with_supervisor()
    settings = settings_from(config)
    address = opened(settings.web.host, settings.web.port)  # who comes from now on waits for what is loaded now
    from web.app import serve

    serve(settings, address)
