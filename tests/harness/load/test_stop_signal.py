"""The request to stop reaches this process alone; a child that a target forked can be ended as ever."""

import asyncio
import os
import signal
import time

from harness.load import stop_signal


def test_a_child_forked_meanwhile_is_ended_by_the_signal_that_only_asks_its_parent():
    asked, (ready, tell) = [], os.pipe()
    with stop_signal.heard(lambda: asked.append(1)):
        child = os.fork()
        if not child:
            os.write(tell, b"!")
            time.sleep(60)
            os._exit(1)
        assert os.read(ready, 1)
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM
        assert not asked
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_the_signal_of_a_child_does_not_reach_the_event_loop_of_its_parent():
    loop, asked, (ready, tell) = asyncio.new_event_loop(), [], os.pipe()
    with stop_signal.in_no_child():
        loop.add_signal_handler(signal.SIGTERM, asked.append, 1)
        child = os.fork()
        if not child:
            os.write(tell, b"!")
            time.sleep(60)
            os._exit(1)
        assert os.read(ready, 1)
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
        loop.run_until_complete(asyncio.sleep(0.01))
        assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM
        assert not asked
        os.kill(os.getpid(), signal.SIGTERM)
        loop.run_until_complete(asyncio.sleep(0.01))
        assert asked
    loop.close()
