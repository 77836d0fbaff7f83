"""Drive an asynchronous target in one asyncio event loop: tasks instead of greenlets, without gevent and Locust.

`selector` gives the idle time and sends arrivals; `steps` sees every step of every task and every callback of the loop,
and finds the call that it belongs to by its context. Tasks, coroutines and their factories are left as they are.
"""
