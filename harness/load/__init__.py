"""Drive a target through a plan under Locust and record every call. Only this package imports locust and gevent.

`plan rows -> open_model | closed_model -> invoke -> recorder`, while `split` watches what holds the event loop.
Importing Locust monkey-patches the process, so only the measured child process imports `engine`.
"""
