"""Tasks as decorators with weights, as a list, as a dict; sets that nest, follow in order and hand back."""

import random

from locust import HttpUser, SequentialTaskSet, TaskSet, between, constant, tag, task


class ByDecorator(HttpUser):
    wait_time = between(0.005, 0.02)

    def on_start(self):
        self.client.post("/login", json={"username": "foo", "password": "bar"})

    def on_stop(self):
        self.client.post("/logout")

    @task
    def hello_world(self):
        self.client.get("/hello")
        self.client.get("/world")

    @task(3)
    def view_items(self):
        for item_id in range(3):
            self.client.get(f"/item?id={item_id}", name="/item")

    @task
    def product(self):
        self.client.get(f"/products/{random.randrange(10_000)}")

    @tag("never")
    @task(5)
    def left_out(self):
        self.client.get("/tagged")


def index(user):
    user.client.get("/listed")


def about(user):
    with user.client.rename_request("/renamed"):
        user.client.get(f"/about/{random.random()}")


class ByList(HttpUser):
    wait_time = constant(0.01)
    fixed_count = 1
    tasks = [index, about]


class ByDict(HttpUser):
    wait_time = constant(0.01)
    weight = 2
    tasks = {index: 3, about: 1}


class Forum(HttpUser):
    wait_time = constant(0.005)

    @task
    class Thread(TaskSet):
        def on_start(self):
            self.client.get("/forum/open")

        @task(3)
        def read(self):
            self.client.get("/forum/read")

        @task
        def leave(self):
            self.interrupt()

    @task
    class Steps(SequentialTaskSet):
        @task
        def first(self):
            self.client.get("/steps/first")

        @task
        def second(self):
            self.client.get("/steps/second")

        @task
        def done(self):
            self.interrupt(reschedule=False)
