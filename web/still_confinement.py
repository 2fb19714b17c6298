"""Bonds of a decoder process, put on before the first byte of a camera reaches it.

It needs nothing but memory and the socket to its parent. So: limits on memory, time and files; no new privileges; and a
filter of system calls (seccomp) that leaves reading and writing what is open, memory, clocks and the end. Whatever else
it asks, opening a file, a socket, a program or a process, is refused with EPERM. The filter needs no privileges and no
kernel module, and works in containers, where namespaces and Landlock often do not (DECISIONS.md).
"""

import ctypes
import errno
import os
import platform
import resource
import struct
from collections.abc import Sequence

MEMORY_BYTES = 2 << 30  # chosen: a 3840×2160 H.265 stream with 16 reference pictures takes some 300 MB
CPU_S = 7_500  # 500 jobs of 15 s, more than a decoder's life (`web.decoder`): its end, should its parent be gone
OPEN_FILES = 16
_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2  # linux/prctl.h, linux/seccomp.h

# linux/audit.h; then each call's numbers: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h
_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_ALLOWED: dict[str, tuple[int, int]] = {  # x86_64, aarch64
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "exit": (60, 93),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "tgkill": (234, 131),
    "getrandom": (318, 278),
    "rseq": (334, 293),
}
_INSTRUCTION = struct.Struct("HBBI")  # struct sock_filter, linux/filter.h
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_JMP|JGE|K, BPF_RET|K
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4  # in struct seccomp_data
_X32 = 0x40000000  # numbers from here on are another table of x86_64
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM


class _Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def limit() -> None:
    """Limits on memory, time, files and processes; no files but standard error."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def let_go_of_all_but(kept: Sequence[int]) -> None:
    """Close every descriptor but these; the standard ones lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    low = 3
    for fd in sorted(kept):
        os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, os.sysconf("SC_OPEN_MAX"))


def forbid() -> str:
    """No new privileges, and the filter of system calls. Says what the kernel refused; empty: nothing."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
        return f"no_new_privs: {os.strerror(ctypes.get_errno())}"
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        return f"seccomp: no table of system calls for {machine}"
    code = program(machine)
    wanted = _Program(len(code) // _INSTRUCTION.size, code)
    if libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(wanted), 0, 0):
        return f"seccomp: {os.strerror(ctypes.get_errno())}"
    return ""


def program(machine: str) -> bytes:
    """The filter for a machine (``x86_64``, ``aarch64``), as the kernel reads it."""
    architecture, column = _ARCHITECTURES[machine]
    rows = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _REFUSE),
    ]
    for numbers in _ALLOWED.values():
        rows += [(_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, _ALLOW)]
    rows.append((_RETURN, 0, 0, _REFUSE))
    return b"".join(_INSTRUCTION.pack(*row) for row in rows)
