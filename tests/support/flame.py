"""Profiles that the tests of flame graphs look at."""

import json
import re

from harness.profiles.stacks.folded import Profile
from reports.flame.view import flame_view

BASE = Profile(
    "samples",
    {
        ("operation:GET /assets", "Core.call (shop/core.py)", "dumps (json/__init__.py)"): 600,
        ("operation:GET /assets", "Core.call (shop/core.py)", "Store.get (shop/store.py)"): 200,
        ("operation:POST /assets", "Core.call (shop/core.py)", "Store.put (shop/store.py)"): 150,
        ("(driver)", "Worker.work (harness/load/open_model.py)"): 50,
    },
    {"Core.call (shop/core.py)": 12},
)
CANDIDATE = Profile(
    "samples",
    {
        ("operation:GET /assets", "Core.call (shop/core.py)", "fast (shop/fast.py)"): 100,
        ("operation:GET /assets", "Core.call (shop/core.py)", "Store.get (shop/store.py)"): 200,
        ("operation:POST /assets", "Core.call (shop/core.py)", "Store.put (shop/store.py)"): 150,
    },
)
HOSTILE = [
    "</script><script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "\u2028\u2029';window.hacked=1;//",
    "<!--<script>",
    '"><b>&lt;',
    "__proto__",
    "constructor",
]


def one(profile=BASE, requests=100):
    return flame_view("CPU", profile.unit, [("baseline", profile, requests)])


def two():
    return flame_view("CPU", "samples", [("baseline", BASE, 100), ("candidate", CANDIDATE, 50)])


def data_of(html):
    return json.loads(re.search(r'class="flame-data">(.*?)</script>', html, re.DOTALL)[1])
