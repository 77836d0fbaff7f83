"""Run the command line by `python -m harness`."""

import os
import sys

# `-m` puts the current folder first on the import path, where a file `json.py` would hide the standard one.
if sys.path and sys.path[0] in {"", os.getcwd()}:  # noqa: PTH109
    del sys.path[0]

from harness.cli import entry
from harness.target.importing import append_current_folder

append_current_folder()
entry()
