"""A process that holds a core and loads it, with threads or with greenlets; told what to do over a socket, line by line.

Every write names a version, so that what the stores hold afterwards can be compared with what was accepted.
"""

import sys

if sys.argv[1] == "greenlets":
    import gevent.monkey

    gevent.monkey.patch_all()

import collections
import gc
import json
import os
import socket
import threading
import time

from targets.asset_core.errors import NotReadyError
from targets.asset_core.health import HealthChecker
from targets.core_events import proxy_event
from targets.core_target import create

TENANT = "tenant-09"
REQUEST_MS = 2_000
"""What Lambda's context has left at the start of each request; the core keeps 500 ms of it."""

PAUSE_S = 0.1


class Context:
    def get_remaining_time_in_millis(self):
        return REQUEST_MS


def asset(asset_id, version):
    risk = {"id": f"{asset_id}-r", "cve": "c", "cvss": 5.0, "title": f"v{version}"}
    return {
        "id": asset_id,
        "type": "host",
        "name": f"v{version}",
        "technologies": [{"name": f"t{version}"}],
        "risks": [risk],
    }


def open_patiently(target):
    """Open a target, again if a busy machine took more than the time that initialisation has."""
    for _ in range(3):
        try:
            return target.open()
        except NotReadyError:
            target.close()
    return target.open()


class Load:
    """Workers that write and read in turn while they are not paused."""

    def __init__(self, name, workers):
        self.name = name
        self.before = census()
        self.target = create(backends="servers")
        # What is done in the background is done more often than it need be in use.
        HealthChecker.start.__defaults__ = (1.0,)
        open_patiently(self.target)
        self.core = self.target._core
        issuer = self.target._issuer
        self.token = issuer.token(TENANT, "ada", role="admin", use="id")
        self.phase = "start"
        self.statuses = collections.defaultdict(collections.Counter)
        self.streaks = dict.fromkeys(range(workers), 0)
        """Of each worker: how many rounds in a row, begun in this phase, went well throughout."""
        self.accepted = {}
        self.running = threading.Event()
        self.ended = False
        self.busy = 0
        self._lock = threading.Lock()
        self.threads = [threading.Thread(target=self.work, args=(number,)) for number in range(workers)]
        for thread in self.threads:
            thread.start()

    def ask(self, method, path, body=None):
        event = proxy_event(
            method, path, {"Authorization": f"Bearer {self.token}"}, body and json.dumps(body)
        )
        response = self.core.handler(event, Context())
        return response["statusCode"], json.loads(response["body"])

    def note(self, phase, operation, status, document):
        stores = {failure["store"] for failure in document.get("failures", ())}
        stores.add(document.get("error", {}).get("store", ""))
        with self._lock:
            key = f"{operation} {status} {' '.join(sorted(stores - {''}))}".strip()
            self.statuses[phase if phase == self.phase else "between"][key] += 1

    def work(self, number):
        own, version = f"host:{self.name}-{number}", 0
        while not self.ended:
            self.running.wait()
            with self._lock:
                self.busy += 1
            try:
                version += 1
                phase = self.phase
                good = self.round(phase, own, version)
                with self._lock:
                    if phase == self.phase:
                        self.streaks[number] = self.streaks[number] + 1 if good else 0
            finally:
                with self._lock:
                    self.busy -= 1
            time.sleep(PAUSE_S)

    def round(self, phase, own, version):
        new = f"{own}-{version}"
        assets = [asset(own, version), asset(new, version)]
        status, report = self.ask("POST", "/assets", {"assets": assets})
        self.note(phase, "write", status, report)
        failed = {failure["id"] for failure in report.get("failures", ())}
        good = status == 200 and not failed
        if "written" in report:
            for asset_id in {own, new} - failed:
                self.accepted[asset_id] = version
        for path in (own, new, own.replace(self.name, other(self.name))):
            status, document = self.ask("GET", f"/assets/{path}")
            self.note(phase, "read", status, document)
            good &= status in {200, 404}
        status, document = self.ask("POST", "/assets/batch-get", {"ids": [own, new]})
        self.note(phase, "batch", status, document)
        return good and status == 200

    def enter(self, phase):
        with self._lock:
            self.phase = phase
            self.streaks = dict.fromkeys(self.streaks, 0)
        self.running.set()

    def pause(self):
        self.running.clear()
        while self.busy:
            time.sleep(0.005)

    def read(self, ids):
        found = {}
        for asset_id in ids:
            status, document = self.ask("GET", f"/assets/{asset_id}")
            found[asset_id] = document["asset"]["name"] if status == 200 else status
        return found

    def ledger(self):
        return dict(self.accepted)

    def state(self):
        resources = self.core._container.resources
        with self._lock:
            return {
                "statuses": {phase: dict(counts) for phase, counts in self.statuses.items()},
                "streak": min(self.streaks.values()),
                "in_use": [pool.in_use for pool in self.core.pools()],
                "left_over": resources.executor.left_over + resources.processor.executor.left_over,
            }

    def close(self):
        self.ended = True
        self.running.set()
        for thread in self.threads:
            thread.join()
        self.target.close()
        del self.threads, self.target, self.core
        after = census()
        for _ in range(600):
            if after == self.before:
                break
            time.sleep(0.01)
            after = census()
        return {"before": self.before, "after": after}


def other(name):
    return {"threads": "greenlets", "greenlets": "threads"}[name]


def census():
    """Return what runs and what is connected in this process."""
    gc.collect()
    links = [
        os.path.basename(os.readlink(f"/proc/self/fd/{each}"))
        for each in os.listdir("/proc/self/fd")
        if os.path.exists(f"/proc/self/fd/{each}") or os.path.islink(f"/proc/self/fd/{each}")
    ]
    return {
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "sockets": sum(link.startswith("socket:") for link in links),
        "greenlets": sum(_runs(each) for each in gc.get_objects()) if "gevent" in sys.modules else 0,
    }


def _runs(thing):
    from gevent import Greenlet

    return isinstance(thing, Greenlet) and not thing.dead


def main():
    name, port, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rw") as lines:
        load = Load(name, workers)
        for line in lines:
            order = json.loads(line)
            answer = getattr(load, order.pop("do"))(**order)
            lines.write(json.dumps(answer) + "\n")
            lines.flush()


if __name__ == "__main__":
    main()
