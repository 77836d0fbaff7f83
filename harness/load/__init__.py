"""Drive a target through a plan and record every call, by one of three engines. Only this package imports locust and gevent.

`plan rows -> open_model | closed_model -> invoke -> recorder`, while `split` watches what holds the event loop. The modules
here are of gevent, driven by Locust, or of all engines; `aio` and `threads` are the others, in unpatched processes. Importing
Locust monkey-patches the process, so only the measured child process imports `engine`.
"""
