"""`python -m harness`."""

import os
import sys

# `-m` puts the current folder first on the import path: a folder there named `reports` or `targets` would hide ours.
if sys.path and sys.path[0] in {"", os.getcwd()}:  # noqa: PTH109
    sys.path.append(sys.path.pop(0))

from harness.cli import entry

entry()
