"""``python -m tools.simcam``."""

import typer

from tools.simcam.command import simcam

if __name__ == "__main__":
    typer.run(simcam)
