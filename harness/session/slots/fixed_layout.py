"""Become the program of a slot, with the kernel's randomisation of addresses switched off.

Run as a script by its path, with `-I -S`: `python -I -S fixed_layout.py PROGRAM ARGV1 [ARG]...`. Where stack and heap
lie makes the same code up to a fifth slower for the life of a process. Both sides of a block get the same place; the
session draws another one for each block, by padding the environment and the heap.
"""

import ctypes
import os
import sys

ADDR_NO_RANDOMIZE = 0x0040000
ASK = 0xFFFFFFFF


def fix_layout() -> None:
    """Ask for one layout of addresses after the next `execve`. Where that is forbidden, layouts stay random."""
    libc = ctypes.CDLL(None)
    current = libc.personality(ASK)
    if current >= 0:
        libc.personality(current | ADDR_NO_RANDOMIZE)


def main() -> None:
    """Replace this process by the program named on the command line."""
    fix_layout()
    program, *arguments = sys.argv[1:]
    os.execv(program, [program, *arguments])  # noqa: S606 - no shell is what we want.


if __name__ == "__main__":
    main()
