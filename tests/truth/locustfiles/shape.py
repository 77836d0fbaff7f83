"""A shape whose second stage names another class; requests that still run at the end."""

from locust import HttpUser, LoadTestShape, constant, task


class Readers(HttpUser):
    wait_time = constant(0.01)

    @task
    def read(self):
        self.client.get("/read")


class Writers(HttpUser):
    wait_time = constant(0.01)

    @task(20)
    def write(self):
        self.client.post("/write", data="x")

    @task
    def hang(self):
        self.client.get("/slow/60000")


class Stages(LoadTestShape):
    stages = [
        {"duration": 1.5, "users": 2, "spawn_rate": 10, "user_classes": [Readers]},
        {"duration": 3, "users": 5, "spawn_rate": 10, "user_classes": [Writers]},
    ]

    def tick(self):
        for stage in self.stages:
            if self.get_run_time() < stage["duration"]:
                return stage["users"], stage["spawn_rate"], stage["user_classes"]
        return None
