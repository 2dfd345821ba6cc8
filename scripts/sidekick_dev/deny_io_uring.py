"""Runs a command that the kernel refuses io_uring, as Docker, containerd and Fargate do.

    python3 scripts/sidekick_dev/deny_io_uring.py CMD...

Installs a seccomp filter under which the three io_uring system calls fail with EPERM, then becomes the command
(exec: same pid). The filter is inherited by everything that the command starts.
"""

import ctypes
import errno
import os
import sys

IO_URING_SYSTEM_CALLS = range(425, 428)  # setup, enter, register: the same numbers on every architecture

PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
SECCOMP_RET_ALLOW = 0x7FFF_0000
SECCOMP_RET_ERRNO = 0x0005_0000
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET|BPF_K


class Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("if_true", ctypes.c_uint8), ("if_false", ctypes.c_uint8),
                ("k", ctypes.c_uint32)]


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(Instruction))]


def deny_io_uring() -> None:
    """Installs the filter in this process; it cannot be taken back."""
    filter_ = [Instruction(LOAD_WORD, 0, 0, 0)]  # seccomp_data.nr
    for distance, number in zip(range(len(IO_URING_SYSTEM_CALLS), 0, -1), IO_URING_SYSTEM_CALLS):
        filter_.append(Instruction(JUMP_IF_EQUAL, distance, 0, number))
    filter_.append(Instruction(RETURN, 0, 0, SECCOMP_RET_ALLOW))
    filter_.append(Instruction(RETURN, 0, 0, SECCOMP_RET_ERRNO | errno.EPERM))
    program = Program(len(filter_), (Instruction * len(filter_))(*filter_))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                      (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)):
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "the seccomp filter was refused")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: deny_io_uring.py CMD...")
    deny_io_uring()
    os.execvp(sys.argv[1], sys.argv[1:])
