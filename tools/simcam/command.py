"""``nvr simcam``: simulated cameras until Ctrl-C."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from nvr.media import Codec
from tools.simcam.gate import Account, Scheme
from tools.simcam.options import MAIN, SUB, Join, Manners, Picture, Town, channel_set, size
from tools.simcam.recipe import DEFAULT_LOOP_S


def simcam(
    channels: Annotated[int, typer.Option(help="How many cameras.", min=1, max=1023)] = 55,
    main_size: Annotated[str, typer.Option("--size", help="Of the main stream.")] = f"{MAIN.width}x{MAIN.height}",
    fps: Annotated[int, typer.Option(help="Of the main stream.")] = MAIN.fps,
    main_kbps: Annotated[int, typer.Option(help="Of the main stream.")] = MAIN.kbps,
    codec: Annotated[Codec, typer.Option(help="Of the main stream.")] = Codec.H264,
    h265_channels: Annotated[str, typer.Option(help="Channels whose main stream is H.265, such as 2,5-8.")] = "",
    sub: Annotated[bool, typer.Option(help="Give each camera a sub stream.")] = True,
    sub_size: Annotated[str, typer.Option(help="Of the sub stream.")] = f"{SUB.width}x{SUB.height}",
    sub_fps: Annotated[int, typer.Option(help="Of the sub stream.")] = SUB.fps,
    sub_kbps: Annotated[int, typer.Option(help="Of the sub stream.")] = SUB.kbps,
    sub_codec: Annotated[Codec, typer.Option(help="Of the sub stream.")] = Codec.H264,
    gop_ms: Annotated[int, typer.Option(help="Between two sync pictures.")] = 2000,
    b_frames: Annotated[int, typer.Option(help="Between two others.")] = 0,
    slices: Annotated[int, typer.Option(help="A picture.")] = 1,
    delimiters: Annotated[bool, typer.Option("--delimiters", help="Send access unit delimiters.")] = False,
    loop_s: Annotated[int, typer.Option(help="Seconds until the pictures repeat.")] = DEFAULT_LOOP_S,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Of rtsp; 0: any that is free.")] = 0,
    tls_port: Annotated[int, typer.Option(help="Of rtsps; 0: any that is free; -1: no rtsps.")] = -1,
    control_port: Annotated[int, typer.Option(help="For orders, on the loopback; 0: any that is free.")] = 0,
    username: Annotated[str, typer.Option("--user")] = "admin",
    password: Annotated[str, typer.Option(envvar="SIMCAM_PASSWORD")] = "simcam 55",  # noqa: S107 - no secret
    auth: Annotated[Scheme, typer.Option(help="What readers are asked for.")] = Scheme.DIGEST,
    session_timeout_s: Annotated[int, typer.Option(help="Of a session without a word.")] = 60,
    join: Annotated[Join, typer.Option(help="Where a reader gets in.")] = Join.KEY,
    trickle: Annotated[bool, typer.Option("--trickle", help="Three packets, then 1 ms pause.")] = False,
    cache: Annotated[Path | None, typer.Option(help="Folder of the media.")] = None,
    with_parent: Annotated[bool, typer.Option("--with-parent", help="End when standard input ends.")] = False,
) -> None:
    """Simulated RTSP cameras: rtsp://HOST:PORT/ch01/main, /ch01/sub, /ch02/main and so on.

    Prints one JSON object a line: {"making", "of"} while media is drawn and coded for the first time, then
    {"ready": true, …} with the ports.
    """
    main_picture = Picture(*size(main_size), fps, main_kbps, codec)
    sub_picture = Picture(*size(sub_size), sub_fps, sub_kbps, sub_codec) if sub else None
    h265 = channel_set(h265_channels)
    town = Town(channels, main_picture, sub_picture, h265, gop_ms, b_frames, slices, delimiters, loop_s)
    manners = Manners(
        host, port, None if tls_port < 0 else tls_port, control_port, Account(username, password, auth),
        session_timeout_s, join, trickle, cache=cache,
    )  # fmt: skip
    from tools.simcam.serving import run

    with contextlib.suppress(KeyboardInterrupt):
        run(town, manners, with_parent=with_parent)
