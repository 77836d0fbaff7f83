"""The DynamoDB of an embedded run: moto as a server process. Run as a script by its path, with `-P`.

It takes the arguments of `moto_server`. Only the line per request is gone: it cost moto about a tenth of its
rate, and the log 80 bytes for each call.
"""

import logging

from moto.server import main

if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    main()
