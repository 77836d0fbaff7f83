"""Exact instructions: how many machine instructions a call of a micro-benchmark executes, counted by Valgrind's Callgrind.

`valgrind` says whether this machine can count, `suite` counts both sides in slots that run under Callgrind, in pairs with one
memory layout, `counter` is the tool inside of such a slot, and `functions` names the functions behind a difference.
"""
