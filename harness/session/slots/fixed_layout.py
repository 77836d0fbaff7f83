"""Replace this process by a slot's program, with the kernel's address randomisation switched off.

Run as a script by its path, with `-I -S`: `python -I -S fixed_layout.py PROGRAM ARGV1 [ARG]...`. The addresses of stack
and heap make the same code up to 20 % slower for the life of a process. Both sides of a block get the same addresses;
the session draws others for each block, by padding the environment and the heap.
"""

import ctypes
import os
import sys

ADDR_NO_RANDOMIZE = 0x0040000
ASK = 0xFFFFFFFF


def fix_layout() -> None:
    """Request a fixed address layout after the next `execve`. Where that is forbidden, layouts stay random."""
    libc = ctypes.CDLL(None)
    current = libc.personality(ASK)
    if current >= 0:
        libc.personality(current | ADDR_NO_RANDOMIZE)


def main() -> None:
    """Replace this process by the program in the arguments."""
    fix_layout()
    program, *arguments = sys.argv[1:]
    os.execv(program, [program, *arguments])  # noqa: S606 - a shell is not wanted.


if __name__ == "__main__":
    main()
