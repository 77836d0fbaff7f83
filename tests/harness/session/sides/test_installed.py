import pytest

from harness.policy.policy import Policy
from harness.session.receipt import Side
from harness.session.sides.built import prepare_sides
from harness.session.sides.installed import installed_copies, installed_from
from harness.session.sides.subjects import TreeSide, working_tree
from harness.session.slots import discovery
from harness.session.slots.block import Stage
from harness.session.slots.launch import Limits
from harness.session.slots.slot import ForeignCodeError
from harness.supervise import Supervisor
from tests.support.measured_code import flat
from tests.support.session import write

USES = "import pkg, pkg_core\n\ndef test_work(benchmark): benchmark(pkg_core.work)\n"


def survey(folder):
    """Run the benchmarks of both sides: the first commit, and the working tree."""
    log = folder.parent / "slots.log"
    base = TreeSide("git:main", folder, "main")
    with (
        Supervisor() as supervisor,
        prepare_sides(base, working_tree(folder), Policy(), supervisor, log) as prepared,
    ):
        stage = Stage(supervisor, prepared.bench, prepared.homes, {}, log, Limits(start_s=60, ready_s=30))
        return [discovery.survey(stage, side) for side in Side]


def install(site, name, folder=None, record=True):
    """Install a package as pip does, from a folder if one is given."""
    write(site, {f"{name}/__init__.py": "def work():\n    return 1\n"})
    facts = {"METADATA": f"Name: {name}\nVersion: 1\n", "top_level.txt": f"{name}\n_{name}\n"}
    facts |= {"RECORD": f"{name}/__init__.py,,\n"} if record else {}
    facts |= {"direct_url.json": f'{{"url": "file://{folder}"}}'} if folder else {}
    write(site, {f"{name}-1.{'dist' if record else 'egg'}-info/{file}": text for file, text in facts.items()})


@pytest.mark.parametrize("place", ["core", "a%20core"])
def test_a_second_package_of_the_project_is_refused_where_it_was_installed_from_its_checkout(
    tmp_path, site, seen, place
):
    """A change of it would be in neither side: both would import the installed copy."""
    folder = flat(tmp_path / "project", {"benchmarks/test_bench.py": USES})
    install(site, "pkg_core", folder / place)
    with pytest.raises(ForeignCodeError, match="loaded pkg_core, a module of the project"):
        survey(folder)


def test_a_package_installed_from_elsewhere_is_shared(tmp_path, site, seen):
    folder = flat(tmp_path / "project", {"benchmarks/test_bench.py": USES})
    install(site, "pkg_core", tmp_path / "other")
    assert [one.ran["test_bench.py::test_work"].ns is not None for one in survey(folder)] == [True, True]


def test_a_module_beside_an_installed_package_without_a_record_is_its_copy_too(tmp_path, site):
    """As Debian and `setup.py install` install: a compiled module at the top would serve both sides."""
    install(site, "pkg", record=False)
    write(site, {"_pkg.py": "", "other.py": ""})
    assert set(installed_copies(["pkg"])) == {str(site / "pkg" / "__init__.py"), str(site / "_pkg.py")}
    assert installed_copies(["other"]) == []


def test_only_what_was_installed_from_the_checkout_is_its_code(tmp_path, site):
    for number, place in enumerate(("", "/core", "-old")):
        install(site, f"p{number}", f"{tmp_path}/project{place}")
    write(site, {"broken-1.dist-info/direct_url.json": "{", "broken-1.dist-info/METADATA": "Name: broken\n"})
    found = installed_from([str(tmp_path / "project")])
    assert set(found) == {str(site / name / "__init__.py") for name in ("p0", "p1")}


def test_a_generated_module_that_both_sides_lack_is_named_with_the_remedy(tmp_path, site):
    folder = flat(tmp_path / "project", {".gitignore": "pkg/_version.py\n"})
    write(
        site,
        {
            "pkg/_version.py": "",
            "pkg/removed.py": "",
            "pkg/__init__.py": "",
            "pkg-1.dist-info/METADATA": "Name: pkg\n",
        },
    )
    write(site, {"pkg-1.dist-info/RECORD": "pkg/_version.py,,\npkg/removed.py,,\npkg/__init__.py,,\n"})
    base = TreeSide("git:main", folder, "main")
    with (
        Supervisor() as supervisor,
        prepare_sides(base, working_tree(folder), Policy(), supervisor, tmp_path / "log") as prepared,
    ):
        (note,) = prepared.notes
    assert note.startswith("Both sides lack pkg/_version.py, which an installed copy has and git ignores.")
    assert 'build = "pip"' in note
