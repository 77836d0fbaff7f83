"""`harness locust`: run a locustfile under Locust's own program, and leave a run directory for each test."""

import argparse
import os
import sys

from harness.console.console import Talk
from harness.errors import ExitCode


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Declare nothing: all words are Locust's, and those that the harness adds to them."""


def run(args: argparse.Namespace, _talk: Talk) -> ExitCode:
    """Become Locust's process: its signals, terminal and exit code stay its own. Raises OSError if that is impossible."""
    # Locust patches the process when it is imported, before anything else. Without -P, a file of the current folder could
    # hide a module of Python.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "harness.locust", *args.words])  # noqa: S606 - this interpreter
