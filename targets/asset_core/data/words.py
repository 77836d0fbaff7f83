"""Generate the texts of an inventory: short ones, long ones, and some outside ASCII."""

import random

SENTENCES = (
    "Serves the customer portal and its static files.",
    "Kept for a contract that runs until the end of the year.",
    "Was found by certificate transparency and is not in the configuration database.",
    "Läuft im Rechenzentrum Süd; Wartung sonntags von 02:00 bis 04:00.",
    "Terminates TLS for the partner network, client certificates required.",
    "本番環境。担当者の承認なしに停止しないこと。",
    "Receives the nightly export of the billing system.",
    "Legacy host; migration is planned but has no owner.",
    "Answers on both address families since the spring.",
    "Scanned weekly; the last three scans were clean.",
)
PEOPLE = (
    "Ada Okafor",
    "Björn Åkesson",
    "Chloé Dubois",
    "Dmitri Соколов",
    "Emi 田中",
    "Fatima Zahra",
    "Noor el-Amin",
    "Zoë O'Neil",
)
NONE_SHARE = 0.15
LONG_SHARE = 0.03


def describe(rng: random.Random) -> str:
    """Return a description: none, one to four sentences, or rarely some kilobytes."""
    chance = rng.random()
    if chance < NONE_SHARE:
        return ""
    count = rng.randint(20, 60) if chance > 1 - LONG_SHARE else rng.randint(1, 4)
    return " ".join(rng.choices(SENTENCES, k=count))


def person(rng: random.Random) -> str:
    """Return an owner's name."""
    return rng.choice(PEOPLE)
