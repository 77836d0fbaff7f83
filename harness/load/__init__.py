"""Scenario x target x recorder under Locust. Only `engine` imports locust, and only this package gevent.

`plan rows -> open_model | closed_model -> invoke -> recorder`, with `split` watching who holds the loop.
Importing Locust monkey-patches the process: nothing but the measured child process imports `engine`.
"""
