"""Projects whose benchmarks write down which files they have imported, with and without compiled modules."""

import subprocess
import sysconfig

from tests.support.session import project, write

SEEN = """
import os, subprocess, sys
import pkg

def side():
    # The last letter of this slot's overlay.
    return next((path[-1] for path in sys.path if "asset-harness-private-" in path and path[-3:-1] == "/1"), "?")

def note(what, *modules):
    with open(os.environ["SEEN"], "a") as file:
        print(what, side(), *(os.path.realpath(m.__file__) for m in modules), file=file)

def loaded():
    return [m for n, m in sorted(sys.modules.items()) if n.partition(".")[0] in ("pkg", "ns") and getattr(m, "__file__", None)]
"""
SUITE = """
from seen import note, loaded
import pkg

def test_work(benchmark):
    benchmark(pkg.work)
    note("own", *loaded())
"""
# A fast path that the change adds, with the usual fallback.
SLOW = "def work():\n    return sum(range(200))\n"
FAST = "try:\n    from pkg.fast import work\nexcept ImportError:\n" + SLOW.replace("def", "    def").replace(
    "    return", "        return"
)
EXTENSION = """
#include <Python.h>
static PyObject *work(PyObject *self, PyObject *none) { return PyLong_FromLong(%d); }
static PyMethodDef methods[] = {{"work", work, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", "", -1, methods};
PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&module); }
"""
NATIVE = "try:\n    from pkg._native import work\nexcept ImportError:\n    def work():\n        return 1\n"
SETUP = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n[project]\nname = "pkg"\nversion = "1"\n[tool.setuptools]\npackages = ["pkg"]\n'


def flat(folder, files=None):
    given = {"pkg/__init__.py": SLOW, "benchmarks/seen.py": SEEN, "benchmarks/test_bench.py": SUITE}
    return project(
        folder, {"pyproject.toml": SETUP, ".gitignore": "*.so\n*.egg-info\nbuild\n"} | given | (files or {})
    )


def build(folder, value):
    """Compile the extension in place, as `setup.py build_ext --inplace` does."""
    write(folder, {"pkg/_native.c": EXTENSION % value})
    place = folder / "pkg" / f"_native{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = sysconfig.get_path("include")
    subprocess.run(
        ["gcc", "-O0", "-shared", "-fPIC", f"-I{include}", folder / "pkg/_native.c", "-o", place], check=True
    )
    return place
