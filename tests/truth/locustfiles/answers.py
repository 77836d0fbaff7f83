"""Answers that the script judges; FastHttpUser, also with a stream; a client of its own; arguments of its own."""

import time

from locust import FastHttpUser, HttpUser, User, constant, events, task
from locust.exception import RescheduleTask


@events.init_command_line_parser.add_listener
def _(parser):
    parser.add_argument("--my-argument", type=str, env_var="LOCUST_MY_ARGUMENT", default="")


class Judged(HttpUser):
    wait_time = constant(0.005)

    @task
    def accepted(self):
        with self.client.get("/status/404", catch_response=True, name="missing") as response:
            if response.status_code == 404:
                response.success()

    @task
    def refused(self):
        with self.client.get("/empty", catch_response=True, name="judged") as response:
            response.failure(f"Got {self.environment.parsed_options.my_argument}")

    @task
    def broken(self):
        self.client.get("/status/500")

    @task
    def nested(self):
        with self.client.get("/outer", catch_response=True) as outer:
            self.client.get("/inner")
            outer.success()

    @task
    def gives_up(self):
        with self.client.get("/given-up", catch_response=True) as response:
            if response.status_code == 200:
                raise RescheduleTask


class Fast(FastHttpUser):
    wait_time = constant(0.005)

    @task
    def get(self):
        self.client.get("/fast")

    @task
    def rest(self):
        with self.rest("GET", "/fast/rest") as response:
            if response.js is None:
                response.failure("no JSON")

    @task
    def bad(self):
        self.client.get("/status/503", name="/fast/bad")

    @task
    def stream(self):
        with self.client.get("/stream", stream=True, catch_response=True) as response:
            assert b"".join(iter(lambda: response.stream.read(100), b"")).count(b"line") == 3


class Own(User):
    """A client of its own, as for a database."""

    wait_time = constant(0.01)

    def fire(self, name, response_time, exception=None, **more):
        self.environment.events.request.fire(
            request_type="db",
            name=name,
            response_time=response_time,
            response_length=0,
            exception=exception,
            **more,
        )

    @task
    def measured(self):
        start_time = time.perf_counter()
        time.sleep(0.002)
        self.fire("measured", (time.perf_counter() - start_time) * 1000)

    @task
    def after_a_nap(self):
        time.sleep(0.05)
        self.fire("after a nap", 1.0)

    @task
    def helped(self):
        with self.environment.events.request.measure("db", "helped"):
            raise ValueError("no row")

    @task
    def without_time(self):
        self.fire("no time", None)
        self.fire("zero", 0)

    @task
    def wrong(self):
        self.fire("negative", -1)
