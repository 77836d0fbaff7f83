"""Claim: fresh servers in every block, with a third one for the null control, keep the false alarms of `compare --serve` under 1 %.

Two servers of identical code differ for as long as they live: by hash seed, memory layout, the places of their workers. Where one
launch serves a whole session, that difference stands in every block like a change. A null control from the base's own
server cannot see it, and one from a third server makes most sessions inconclusive. Launched anew for each block the
difference is noise. The table has the shares of verdicts on the median response, by the product's judge, for launches that differ by
`sd` of a standard deviation; a segment has 1 % of noise of its own.

Run it with `python tests/simulations/served_launches.py [SESSIONS]`; 200 sessions take about a minute.
"""

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.launches import Launches, session, verdict

VERDICTS = ("ok", "regressed", "improved", "inconclusive", "invalid")


def main() -> None:
    """Print the table."""
    sessions = int(sys.argv[1]) if sys.argv[1:] else 200
    print(f"{'launches':<50} {'change':>6} {'sd':>5}  " + "  ".join(f"{word:>12}" for word in VERDICTS))
    for launches in Launches:
        for change in (0.0, 0.10):
            for launch_sd in (0.0, 0.01, 0.03, 0.05):
                found = Counter(
                    verdict(session(launches, change, launch_sd=launch_sd, seed=seed))
                    for seed in range(sessions)
                )
                shares = "  ".join(f"{found[word] / sessions:>12.1%}" for word in VERDICTS)
                print(f"{launches:<50} {change:>6.0%} {launch_sd:>5.0%}  {shares}", flush=True)


if __name__ == "__main__":
    main()
