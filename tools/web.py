"""``nvr web``: the web server alone, as systemd starts it; ``nvr run`` starts it beside the recorder."""

from tools.options import DEFAULT_CONFIG, ConfigFile, settings_from


def web(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Serve the web page, footage and live pictures until told to stop."""
    from web.app import serve

    serve(settings_from(config))
