"""A decoder process that was taken over by its pictures: a program that says what a decoder never says."""

import os
import pickle
import socket
import sys
from collections.abc import Callable

import msgspec

from web.still_job import Ready


def says_a_pickle(end: socket.socket) -> None:
    end.sendall(_frame(msgspec.msgpack.encode(Ready(""))))
    end.recv(1)
    end.sendall(_frame(pickle.dumps(_Evil())))
    end.recv(1 << 20)


def says_too_much(end: socket.socket) -> None:
    end.sendall(_frame(msgspec.msgpack.encode(Ready(""))))
    end.sendall((2**31).to_bytes(4, "big"))
    end.recv(1 << 20)


def says_half(end: socket.socket) -> None:
    end.sendall(_frame(msgspec.msgpack.encode(Ready(""))) + (100).to_bytes(4, "big") + b"half")
    while end.recv(1 << 20):
        pass


def says_another_thing(end: socket.socket) -> None:
    end.sendall(_frame(msgspec.msgpack.encode({"refused": 5})))
    end.recv(1 << 20)


def gives_up(end: socket.socket) -> None:
    end.sendall(_frame(msgspec.msgpack.encode(Ready(""))) + b"\xff\xff\xff\xff")
    end.recv(1 << 20)


class _Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (os.environ["OWNED"],)


def _frame(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


WAYS: dict[str, Callable[[socket.socket], None]] = {
    way.__name__: way for way in (says_a_pickle, says_too_much, says_half, says_another_thing, gives_up)
}

if __name__ == "__main__":
    WAYS[sys.argv[1]](socket.socket(fileno=int(sys.argv[2])))
