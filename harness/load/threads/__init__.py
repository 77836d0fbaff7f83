"""Drive a load with real threads in an unpatched process: for targets that gevent's patches break."""
