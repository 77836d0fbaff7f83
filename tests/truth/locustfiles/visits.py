"""The same visits by both of Locust's clients."""

from locust import FastHttpUser, HttpUser, constant


def visit(user):
    user.client.get("/hello?x=1")
    with user.rest("POST", "/echo", json={"a": 1}) as response:
        if response.js != {"a": 1}:
            response.failure(f"echoed {response.text}")
    user.client.post("/form", data={"name": "ada"})
    user.client.get("/spin")
    user.client.get("/boom")


class Plain(HttpUser):
    wait_time = constant(0.01)
    tasks = [visit]


class Fast(FastHttpUser):
    wait_time = constant(0.01)
    tasks = [visit]
