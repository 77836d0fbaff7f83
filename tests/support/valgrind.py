"""Tests that count instructions need Valgrind, which is optional for users."""

import shutil

import pytest

needs_valgrind = pytest.mark.skipif(
    shutil.which("valgrind") is None, reason="valgrind is not installed: nothing counts instructions here"
)
