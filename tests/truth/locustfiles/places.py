"""Users on several machines: each asks for a path of its own machine."""

import os

from locust import FastHttpUser, constant, task

PATH = f"/{os.environ.get('PLACE', 'nowhere')}"


class Anybody(FastHttpUser):
    wait_time = constant(0.02)

    @task
    def ask(self):
        self.client.get(PATH)
