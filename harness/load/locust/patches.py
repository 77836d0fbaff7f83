"""Wrap Locust's own classes, so that an unchanged locustfile tells of its requests and its users.

The classes are wrapped once for a process. Without a test that records, each wrapper only calls what it wraps.
"""

from locust import TaskSet, User  # isort: skip
import functools
from collections.abc import Callable
from typing import Any, Protocol

from gevent import GreenletExit, getcurrent
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession
from locust.exception import StopTest, StopUser
from locust.user.task import DefaultTaskSet
from locust.user.users import PytestUser

from harness.clock import SystemClock
from harness.load.locust.requests import MARK, Requests, Sent
from harness.table.aside import Aside

_ENDS = (StopUser, StopTest, GreenletExit)
_ON_STOP = int(Aside.ON_STOP)
_ON_START = int(Aside.ON_START)
_STATE = "_harness_state"
"""Attribute of a user with its state: users are found by it more quickly than by their greenlets."""


class Watching(Protocol):
    """The recording of a running test, as far as the wrappers need it."""

    requests: Requests


NOW: list[Watching | None] = [None]
"""The recording of the running test of this process; a list of one."""


def install() -> None:
    """Wrap Locust's classes, if that was not done yet."""
    if hasattr(User.run, "__wrapped__"):
        return
    User.run, User.stop = _around_run(User.run), _around_stop(User.stop)
    PytestUser.run = _around_run(PytestUser.run, has_tasks=False)
    for tasks in (TaskSet, DefaultTaskSet):
        tasks.execute_task = _around_task(tasks.execute_task)
    for name in ("execute_next_task", "wait", "run"):
        setattr(TaskSet, name, _until_it_ends(getattr(TaskSet, name)))
    TaskSet._sleep = _around_sleep(TaskSet._sleep)  # noqa: SLF001 - the one place where Locust's users wait
    for session in (HttpSession, FastHttpSession):
        session.request = _around_request(session.request)


def _around_run(run: Callable[[Any], None], *, has_tasks: bool = True) -> Callable[[Any], None]:
    @functools.wraps(run)
    def run_user(user: Any) -> None:
        watching = NOW[0]
        if watching is None:
            run(user)
            return
        users, me = watching.requests.users, getcurrent()
        state, error = users.enter(me), None
        setattr(user, _STATE, state)
        if not has_tasks:
            state.aside = int(Aside.NOT)
        try:
            run(user)
        except BaseException as raised:
            error = raised
            raise
        finally:
            users.leave(me, state, error)

    return run_user


def _around_stop(stop: Callable[..., bool]) -> Callable[..., bool]:
    @functools.wraps(stop)
    def stop_user(user: Any, force: bool = False) -> bool:  # noqa: FBT001, FBT002 - as Locust has it
        state = user.__dict__.get(_STATE)
        if state is not None:
            state.is_asked = True
        return stop(user, force=force)

    return stop_user


def _around_task(execute: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    @functools.wraps(execute)
    def execute_task(tasks: Any, task: Any) -> None:
        state = tasks.user.__dict__.get(_STATE)
        # A class is a nested set of tasks, which may have an on_start of its own.
        if state is not None and state.aside == _ON_START and not isinstance(task, type):
            state.users.begin_task(state)
        execute(tasks, task)

    return execute_task


def _until_it_ends(function: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return `function`; if the user ends in it, the requests that follow are those of `on_stop`."""

    @functools.wraps(function)
    def ends(tasks: Any) -> None:
        try:
            function(tasks)
        except _ENDS as end:
            state = tasks.user.__dict__.get(_STATE)
            if state is not None:
                state.aside, state.ended_by = _ON_STOP, type(end).__name__
            raise

    return ends


def _around_sleep(sleep: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    @functools.wraps(sleep)
    def sleep_until_due(tasks: Any, seconds: Any) -> None:
        state = tasks.user.__dict__.get(_STATE)
        if state is None:
            sleep(tasks, seconds)
        else:
            state.users.wait(state, tasks, seconds, sleep)

    return sleep_until_due


def _around_request(request: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(request)
    def record(session: Any, method: Any, url: Any, name: Any = None, *args: Any, **words: Any) -> Any:
        watching = NOW[0]
        if watching is None:
            return request(session, method, url, name, *args, **words)
        requests, me = watching.requests, getcurrent()
        given = name or session.request_name
        sent = requests.begin(me, method, given or url, not given)
        active = requests.active
        outer = active.get(me)
        active[me] = sent
        requests.peak = max(requests.peak, len(active))
        try:
            answer = request(session, method, url, name, *args, **words)
        except GreenletExit:
            requests.killed += not sent.is_told
            raise
        finally:
            if outer is None:
                active.pop(me, None)
            else:
                active[me] = outer
            if sent.owner is not None:
                requests.returned(sent, SystemClock.now_ns())
        if not sent.is_told:
            _await_the_script(answer, sent)
        return answer

    return record


def _await_the_script(answer: Any, sent: Sent) -> None:
    """Mark an answer that the script will judge: its event comes at the end of a `with` block."""
    response = getattr(answer, "request_meta", {}).get("response")
    if response is not None:
        setattr(response, MARK, sent)
