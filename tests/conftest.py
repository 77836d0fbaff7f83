"""What all tests share: no test asserts a duration, a property neither; and a real browser."""

import shutil
import signal

import pytest
from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
# `nohup make test` ignores it, and so would every child that the tests hang up on.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
# So does what a shell without job control starts in the background with Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def state_of_the_tests(tmp_path_factory):
    """Keep what the product keeps for a user out of the home of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


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


@pytest.fixture
def open_page(browser, tmp_path):
    """Open a page in a tab; at the end no error may have been said and nothing asked for."""
    contexts, complaints, requests = [], [], []

    def show(text, width=1280, **context):
        file = tmp_path / "report.html"
        file.write_text(text, "utf-8")
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **context))
        tab = contexts[-1].new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(file.as_uri())
        return tab

    yield show
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in requests if url.startswith("file:")]) == len(contexts)
