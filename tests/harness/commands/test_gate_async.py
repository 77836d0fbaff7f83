"""The gate on asynchronous code: a planted change is found, and equal work counts the same."""

import pytest

from tests.support.cli import inside
from tests.support.gate import make_shop
from tests.support.git import git

TASK = """        self._query(event)
        await asyncio.sleep(0)
        return await asyncio.create_task(self._work())

    async def _work(self):
        await asyncio.sleep(0)
        return [bytearray(8) for _ in range(40)]
"""


@pytest.fixture
def shop(tmp_path):
    """Make a shop whose calls are async and do their work in a child task, committed on `main`."""
    shop = make_shop(tmp_path / "shop")
    work = shop / "shop" / "work.py"
    source = work.read_text().replace("def call", "async def call")
    before = "        self._query(event)\n        return total(20)\n"
    assert before in source
    work.write_text("import asyncio\n" + source.replace(before, TASK))
    git(shop, "commit", "-qam", "asynchronous")
    return shop


def test_a_query_of_a_call_and_allocations_of_its_child_task_are_found_and_equal_work_passes(shop):
    work = shop / "shop" / "work.py"
    source = work.read_text().replace("self._work()", 'self._work(60 if event == "buy" else 40)')
    source = source.replace("_work(self)", "_work(self, size)").replace("range(40)", "range(size)")
    more = '        if event == "buy":\n            self._query(event)\n        return await'
    work.write_text(source.replace("        return await", more))
    said = inside(shop, "gate", "--suite", "exact", "--no-report", "--json")
    assert said.code == 3
    verdicts = {(one["benchmark"], one["metric"]): one["verdict"] for one in said.document["comparisons"]}
    assert verdicts["buy", "calls.stock"] == verdicts["buy", "allocations"] == "regressed"
    assert {verdicts["look", metric] for metric in ("calls.stock", "allocations", "failures")} == {"ok"}
