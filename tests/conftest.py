"""What all tests share: no test asserts a duration, a property neither; a set of servers, and a real browser."""

import collections
import os
import re
import shutil
import signal
import sys
import tempfile

import pytest
from hypothesis import settings

from harness.run.directory import write_atomically
from tests.running import phases
from tests.support.cli import without_drawings
from tests.support.tabs import Tabs

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
# `nohup make test` ignores it, and so would every child that the tests hang up on.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
# So does what a shell without job control starts in the background with Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_ignore_collect(collection_path, config):
    """Leave out a file without the mark of the second phase before it is imported, which takes longer than to read it."""
    if config.option.markexpr == phases.ALONE and collection_path.match("test_*.py"):
        return "measures" not in collection_path.read_text("utf-8") or None
    return None


def pytest_collection_modifyitems(items):
    """Begin with the files that start processes, those of few long tests first: then no worker is left with one at the end."""
    counts = collections.Counter(item.path for item in items)
    is_short = {path: not _PROCESSES.search(path.read_text("utf-8")) for path in counts}
    items.sort(key=lambda item: (is_short[item.path], counts[item.path]))


_PROCESSES = re.compile(r"tests\.support\.(cli|locust|servers|gate|session)|Supervisor|subprocess")


@pytest.fixture(scope="session", autouse=True)
def state_of_the_tests(tmp_path_factory):
    """Keep what the product keeps for a user out of the home of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def embedded(tmp_path_factory):
    """All embedded servers: one set, in each worker, for all tests that neither stop nor configure them."""
    from harness.supervise import Supervisor
    from targets.backends.embedded import EmbeddedServers

    with Supervisor() as supervisor, EmbeddedServers() as running:
        running.start(supervisor, tmp_path_factory.mktemp("servers"))
        yield running


@pytest.fixture(scope="session")
def dynalite(tmp_path_factory):
    """A second DynamoDB beside them; started for the tests that ask for it, and skipped where there is no node."""
    from harness.supervise import Supervisor
    from targets.backends.embedded import EmbeddedServers
    from tests.support.dynalite import DynaliteServer
    from tests.support.node import node_modules

    node_modules()
    with Supervisor() as supervisor, EmbeddedServers([DynaliteServer]) as running:
        running.start(supervisor, tmp_path_factory.mktemp("dynalite"))
        yield running


@pytest.fixture(scope="session")
def servers(request, embedded):
    """The servers of a test: the embedded ones, or with dynalite in the place of moto (`pytest_generate_tests`)."""
    if getattr(request, "param", "moto") == "moto":
        return embedded
    from tests.support.dynalite import InPlaceOfMoto

    return InPlaceOfMoto(embedded, request.getfixturevalue("dynalite"))


def pytest_generate_tests(metafunc):
    """Run the tests of a module that says so on both DynamoDBs, except for what the second one lacks."""
    lacking = getattr(metafunc.module, "DYNALITE_LACKS", None)
    if lacking is not None and "servers" in metafunc.fixturenames:
        marks = [pytest.mark.second]
        if reason := lacking.get(metafunc.function.__name__):
            marks.append(pytest.mark.skip(reason=f"dynalite lacks {reason}"))
        second = pytest.param("dynalite", marks=marks)
        metafunc.parametrize("servers", ["moto", second], indirect=True, scope="session")


@pytest.fixture(scope="module")
def empty_servers(servers):
    """The same servers, which hold nothing when a file of tests begins."""
    from tests.support.servers import empty

    empty(servers.environment())
    return servers


@pytest.fixture(scope="module")
def supervisor():
    """One for a file of tests: what it started ends with the last of them."""
    from harness.supervise import Supervisor

    with Supervisor() as made:
        yield made


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A temporary folder of the test's own, for it and all that it starts."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def nothing_imported(monkeypatch):
    """Let no folder or module of an earlier test have the name of one of this test's project."""
    places = [place for place in sys.path if not place.startswith(tempfile.gettempdir())]
    monkeypatch.setattr(sys, "path", places)
    for name in ("a", "app", "b", "fn", "main", "orders", "s", "shop", "w", "wsgi", "z"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.fixture(scope="module")
def browser():
    """Debian's chromium, or a skip that says how to get it."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is missing: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    switches = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    switches += [f"--disable-{what}" for what in ("background-networking", "component-update", "sync")]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=switches)
        yield running
        running.close()


@pytest.fixture(scope="session")
def rendered(tmp_path_factory):
    """Give the page that a function of `report_pages` or `hard_pages` makes; each is made once for all tests that read it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        # What all processes of the tests have in common.
        folder = folder.parent

    def page(make):
        file = folder / f"{make.__name__}.html"
        if not file.exists():
            write_atomically(file, make(tmp_path_factory.mktemp("rendered")).encode())
        return file.read_text("utf-8")

    return page


@pytest.fixture
def no_figures(monkeypatch):
    """Leave out the drawings where a test makes pages without the command line and does not look at them."""
    without_drawings(monkeypatch)


@pytest.fixture(scope="module")
def tabs(browser):
    return Tabs(browser)


@pytest.fixture
def open_page(tabs, tmp_path):
    """Open a page in a tab; at the end no error may have been said and nothing asked for."""
    opened = []

    def show(text, width=1280, *, state="", **options):
        file = tmp_path / f"report-{len(opened)}.html"
        file.write_text(text, "utf-8")
        one = tabs.take(width, options)
        opened.append(one)
        one.tab.goto(file.as_uri() + state)
        return one.tab

    yield show
    for one in opened:
        tabs.give_back(one)
    complaints = [complaint for one in opened for complaint in one.complaints]
    assert complaints == []
    requests = [url for one in opened for url in one.requests if not url.startswith("data:")]
    assert [url for url in requests if not url.startswith("file:")] == []
    assert len(requests) == len(opened)
