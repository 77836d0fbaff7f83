"""A pace that the server cannot keep: 20 ms for each task, and 50 ms for its answer."""

from locust import FastHttpUser, constant_throughput, task


class Paced(FastHttpUser):
    wait_time = constant_throughput(50)

    @task
    def ask(self):
        self.client.get("/slow/50")
