import pytest

from harness.judge import policy_file
from harness.work.start.built import needs_build
from harness.work.start.proposal import propose
from harness.work.start.settings import write
from tests.support.little_projects import write as make

BENCHMARK = {
    "pkg/__init__.py": "",
    "benchmarks/test_a.py": "import pkg\ndef test_a(benchmark): benchmark(int)\n",
}


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": '[build-system]\nbuild-backend = "maturin"\n'},
        {"pyproject.toml": '[build-system]\nbuild-backend = "scikit_build_core.build"\n'},
        {"pyproject.toml": '[[tool.setuptools.ext-modules]]\nname = "x"\n'},
        {"pyproject.toml": '[tool.setuptools_scm]\nversion_file = "src/pkg/_version.py"\n'},
        {"pyproject.toml": '[tool.hatch.build.hooks.vcs]\nversion-file = "_version.py"\n'},
        {"setup.py": "setup(ext_modules=[])"},
        {"pkg/_fast.pyx": ""},
        {"pkg/_native.c": "PyMODINIT_FUNC PyInit__native(void) {}"},
    ],
)
def test_a_project_that_compiles_or_generates_code_gets_its_build(tmp_path, files):
    project = make(tmp_path, BENCHMARK | files)
    write(project, propose(project))
    assert policy_file.build(project).command == "pip"


@pytest.mark.parametrize(
    "files",
    [
        {},
        {
            "pyproject.toml": '[build-system]\nbuild-backend = "setuptools.build_meta"\n[tool.setuptools_scm]\n'
        },
        {"pyproject.toml": "[[[", "setup.py": "setup()", "pkg/data.c": "int main() {}", "docs/x.pyx": ""},
    ],
)
def test_a_project_of_plain_python_gets_none(tmp_path, files):
    project = make(tmp_path, BENCHMARK | files)
    assert not needs_build(project, ("pkg",))
    assert not propose(project).needs_build
