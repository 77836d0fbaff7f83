"""Record the tests of a locustfile: write `import harness.locust` in it, or start it with `harness locust`."""

# This imports Locust, which must come before anything else.
from harness.work.locustfile import attach, main  # isort: skip
import sys

from harness.commands.showing.of_locust import present

attach(present)

if __name__ == "__main__":
    main(sys.argv[1:], present)
