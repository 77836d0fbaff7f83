"""Users that do not come back; and a file that decides on the exit code."""

from locust import HttpUser, constant, events, task
from locust.exception import StopTest, StopUser


class CannotStart(HttpUser):
    wait_time = constant(0.01)
    fixed_count = 2

    def on_start(self):
        self.client.get("/start")
        raise ValueError("no account")

    @task
    def never(self):
        self.client.get("/never")


class Satisfied(HttpUser):
    wait_time = constant(0.005)
    fixed_count = 1
    count = 0

    @task
    def few(self):
        self.count += 1
        self.client.get("/few")
        if self.count == 5:
            raise StopUser

    def on_stop(self):
        self.client.get("/satisfied")


class GivesUp(HttpUser):
    wait_time = constant(0.005)
    fixed_count = 1

    @task
    def stop(self):
        self.client.get("/gives-up")
        raise StopTest("enough")

    def on_stop(self):
        self.client.get("/gave-up")
        raise KeyError("nothing to put away")


class Stays(HttpUser):
    wait_time = constant(0.02)
    fixed_count = 1

    @task
    def stay(self):
        self.client.get("/stay")


@events.quitting.add_listener
def decide(environment, **_kwargs):
    if environment.stats.total.num_requests > 1:
        environment.process_exit_code = 17
