"""Servers that the harness starts, through the command line: what they are known to do stands in the run."""

import signal

import pytest

from tests.support.cli import document, end_of, inside, started, until_called
from tests.support.little_servers import project, settings_text
from tests.support.processes import command_line, descendants, survivors

SHORT = ("--rate", 40, "--duration", "2s", "--warmup", "250ms", "--json", "--no-report")
PLANNED, WARMUP = 80, 10
MIB = 2**20
BUSY = """
end = time.thread_time() + 0.002
while time.thread_time() < end: pass
kept.append(b"x" * 500_000)
with open("journal", "a") as file: print(self.path, file=file)
"""
WITH_CHILD = """
import subprocess
kept = []
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
"""


def run(folder, *options, name="shop"):
    return inside(folder, "run", "steady", "--serve", name, *SHORT, *options)


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """The folder and the JSON of a run of a server that works 2 ms for each request, leaks, and has a child."""
    folder = project(tmp_path_factory.mktemp("busy") / "shop", BUSY, before=WITH_CHILD)
    (folder / "requests.jsonl").write_text('{"path": "/a"}\n{"path": "/b"}\n')
    return folder, run(folder, "--requests", "requests.jsonl").run


def test_every_request_of_the_plan_reaches_the_server(busy):
    folder, found = busy
    journal = (folder / "journal").read_text().split()
    assert set(journal) == {"/a", "/b"}
    assert found["outcomes"]["completed"] == PLANNED
    assert len(journal) == PLANNED + WARMUP


def test_the_run_tells_what_the_server_is_and_used(busy):
    folder, found = busy
    assert found["target"].startswith("serve:shop?")
    served = found["served"]
    assert served["command"] == "{python} server.py {port}"
    assert served["start_s"] > 0
    assert served["use"]["cpu_ns_per_call"] > 2_000_000
    assert served["use"]["processes"] == {"first": 2, "last": 2, "most": 2}
    assert (next((folder / "runs").iterdir()) / "timing" / "server.log").exists()


def test_a_server_that_leaks_grows_throughout(busy):
    use = busy[1]["served"]["use"]
    assert use["rss_bytes"]["last"] - use["rss_bytes"]["first"] > 20 * MIB
    assert "grew throughout the measured time" in use["growth"]


def test_a_server_that_dies_in_the_middle_makes_the_run_invalid_and_is_quoted(tmp_path):
    folder = project(
        tmp_path / "shop", "if number == 50:\n    os.write(2, b'out of cheese')\n    os._exit(3)"
    )
    said = run(folder)
    assert said.code == 5
    found = said.run
    assert found["validity"] == "invalid"
    lost = "Server 'shop' ended with exit code 3 during the run; its last output: out of cheese"
    assert lost in " ".join(found["reasons"])
    # Requests 0 to 49 were answered; the one that killed the server, and all after it, failed.
    outcomes = found["outcomes"]
    assert sum(outcomes.values()) == found["planned"] == PLANNED
    assert outcomes["completed"] == 50 - WARMUP
    assert outcomes["failed"] == PLANNED - outcomes["completed"]


@pytest.mark.parametrize(
    ("settings", "name", "words"),
    [
        ("", "shop", "There is no server 'shop'"),
        (settings_text(), "shpo", "Did you mean shop?"),
        (settings_text(), "", "There is no server ''"),
        ("[tool.harness.servers.shop]\nready = '/'\n", "shop", "Server 'shop' has no command"),
        (
            settings_text("python server.py 8000"),
            "shop",
            "neither its command nor its environment has {port}",
        ),
        (settings_text(redy="'/'"), "shop", "Did you mean 'ready'?"),
        (settings_text("./nothing {port}"), "shop", "there is no program ./nothing"),
        (settings_text("./server.py {port}"), "shop", "./server.py is not executable"),
        (
            settings_text("{python} -c 'print(1)' {port}"),
            "shop",
            "ended with exit code 0 before it was ready",
        ),
        (settings_text(ready="'/'", ready_within="'300ms'"), "slow", "There is no server 'slow'"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, settings, name, words):
    folder = project(tmp_path / "shop", settings=settings)
    said = run(folder, name=name)
    assert said.code == 2
    assert words in said.error
    assert not list(folder.glob("runs/*"))


def test_serve_and_target_are_one_choice(tmp_path):
    said = run(project(tmp_path / "shop"), "--target", "serve:shop")
    assert said.code == 2
    assert "--serve and --target name two targets" in said.error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_of_the_server_is_left_however_the_harness_ends(tmp_path, number):
    before = (
        "import subprocess; signal = __import__('signal'); signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "subprocess.Popen(['setsid', 'sleep', '600'])"
    )
    folder = project(tmp_path / "shop", before=before, settings=settings_text(stop="{ grace = '300ms' }"))
    with started(
        "run", "steady", "--serve", "shop", "--rate", 40, "--duration", "60s", "--no-report", cwd=folder
    ) as process:
        directory = until_called(folder / "runs", process)
        below = descendants(process.pid)
        assert any(b"server.py" in command_line(pid) for pid in below)
        assert any(b"sleep" in command_line(pid) for pid in below)
        process.send_signal(number)
        process.wait(60)
        assert not survivors(below)
        if number != signal.SIGKILL:
            end_of(process)
            assert document(directory)["interrupted"]


@pytest.mark.measures
def test_a_profile_is_of_the_server_and_names_its_functions(tmp_path):
    before = (
        "open('pids', 'a').write(f'{os.getpid()}\\n')\n"
        "def slow():\n    end = time.thread_time() + 0.01\n    while time.thread_time() < end: pass"
    )
    folder = project(tmp_path / "shop", "slow()", before=before)
    found = run(folder, "--profile", "cpu,memory").run
    assert len(set((folder / "pids").read_text().split())) == 2, "each run has a server of its own"
    assert "memray traces the measured process" in found["profiles"]["memory"]["reason"]
    (folded,) = (folder / "runs").glob("*/cpu/cpu.folded")
    text = folded.read_text()
    assert "operation:all requests" in text
    assert "slow (server.py)" in text
    assert "(driver)" not in text


@pytest.mark.parametrize("kinds", ["wait", "cpu,wait"])
def test_profiles_that_a_server_cannot_have_are_refused_by_name(tmp_path, kinds):
    said = inside(project(tmp_path / "shop"), "profile", "steady", "--serve", "shop", "--kinds", kinds)
    assert said.code == 2
    assert "A server is profiled for CPU alone" in said.error


def test_exact_counts_of_a_server_are_refused_by_name(tmp_path):
    folder = project(tmp_path / "shop")
    said = inside(
        folder, "compare", f"path:{folder}", f"path:{folder}", "--serve", "shop", "--suite", "exact"
    )
    assert said.code == 2
    assert "are not counted in a server's process" in said.error


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--serve", "shop", "--locustfile", "nothing.py"), "There is no locustfile 'nothing.py'"),
        (("--suite", "load", "--locustfile", "server.py"), "The load suite needs a target"),
        (("--serve", "shop", "--users", 4), "--users are those of a locustfile"),
        (
            ("--serve", "shop", "--locustfile", "server.py", "--rate", 4),
            "--rate and --scenario have no effect",
        ),
    ],
)
def test_senseless_words_about_a_locustfile_are_refused(tmp_path, options, words):
    folder = project(tmp_path / "shop")
    said = inside(folder, "compare", f"path:{folder}", f"path:{folder}", *options)
    assert said.code == 2
    assert words in said.error
