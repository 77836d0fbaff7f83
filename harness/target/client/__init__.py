"""A small HTTP/1.1 client for load: prepared requests, kept-alive connections, faults by name, the time of the first byte."""
