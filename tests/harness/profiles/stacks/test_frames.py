"""Frames of the functions that call an application for the harness are folded away, wherever they stand in a stack."""

from harness.exact.frames import measured_frames
from harness.profiles.capture.pyspy_text import sort_stacks
from harness.profiles.capture.wait import IDLE, OperationWaits, WaitRecord, fold
from harness.profiles.stacks.frames import ENGINE_ROOT, within
from harness.profiles.stacks.marker import marker_name

MARKER = marker_name("GET /")
ADAPTER = "_caller.<locals>.call (harness/target/adapters/wsgi.py)"
APP = "app (shop.py)"
SENT = "_Response.start (harness/target/adapters/wsgi.py)"


def test_a_stack_within_an_operation_has_the_users_frames_alone():
    assert within(("main (m.py)", MARKER, ADAPTER, APP, SENT), 1) == (MARKER, APP)
    assert within((MARKER, ADAPTER), 0) == (MARKER,)


def test_a_file_of_the_user_with_the_same_name_stays():
    own = "call (shop/adapters/wsgi.py)"
    assert within((MARKER, own, APP), 0) == (MARKER, own, APP)


def test_cpu_profiles_begin_with_the_application():
    adapter = f"call ({ENGINE_ROOT}/harness/target/adapters/asgi.py:90)"
    text = f"run (/x/site-packages/gevent/hub.py:1);{MARKER} (/h/marker.py:3);{adapter};app (/home/u/shop.py:7) 4\n"
    found = sort_stacks(text.partition(";")[2], (ENGINE_ROOT, "/home/u"))
    assert found.profile.stacks == {("operation:GET /", APP): 4}


def test_wait_profiles_begin_with_the_application():
    record = WaitRecord(
        frames=[
            (MARKER, "", 1),
            ("_caller.<locals>.call", f"{ENGINE_ROOT}/harness/target/adapters/asgi.py", 1),
            ("app", "/home/u/shop.py", 1),
        ],
        stacks=[[0, 1, 2]],
        operations={"GET /": OperationWaits(idle_ns=5, busy_ns=0, cells=[(1, 0, 5, 0)])},
        least_ns=1, reads=1, read_frames=3, spent_ns=1,
    )  # fmt: skip
    assert fold([record], ("/home/u",)).waiting.stacks == {("operation:GET /", IDLE, APP): 5}


def test_an_adapter_is_no_suspect_of_a_change():
    assert measured_frames((ADAPTER, APP)) == (APP,)
