"""``nvr run``: the recorder and the web server as two processes, each started again should it end."""

from tools.options import DEFAULT_CONFIG, ConfigFile, settings_from


def run(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Record all cameras and serve the web page until told to stop (Ctrl-C or SIGTERM)."""
    from nvr.timebase import SystemClock
    from tools.supervisor import Supervisor

    settings = settings_from(config)
    host = f"[{settings.web.host}]" if ":" in settings.web.host else settings.web.host
    print(f"http://{host}:{settings.web.port}/", flush=True)
    same = ("--config", str(config))
    supervisor = Supervisor({"recorder": ("recorder", *same), "web": ("web", *same)}, SystemClock())
    supervisor.take_signals()
    supervisor.run()
