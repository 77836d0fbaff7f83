"""The judgement as JSON."""

import json

from harness.judge.document import as_json
from harness.judge.judge import judge
from harness.judge.looks import Looks
from harness.policy.policy import Policy
from harness.session.receipt import FunctionChange, Suspects
from tests.support.judge import Simulation, count

POLICY = Policy()


def document():
    session = Simulation({"a": 0.06, "b": 0.0}).run(Looks(POLICY))
    session.counts = [count([2] * 3, [3] * 3, candidate_sites={"load": 1.0})]
    change = FunctionChange(function="slow", base=1.0, candidate=2.0, unit="ns")
    session.suspects = [Suspects(benchmark="a", metric="wall", functions=[change])]
    judgement = judge(session, POLICY)
    return judgement, json.loads(
        json.dumps(as_json(judgement, "report.html", "receipt.json"), allow_nan=False)
    )


def test_the_document_has_the_keys_that_are_promised():
    _, found = document()
    promised = {"schema", "report", "receipt", "verdict", "exit_code", "controls", "comparisons"}
    assert promised <= set(found)
    assert {"clean", "change"} <= set(found["controls"]["null"])
    assert "bad_blocks" in found["controls"]
    of_comparison = [
        "benchmark",
        "metric",
        "kind",
        "change",
        "low",
        "high",
        "blocks",
        "p",
        "margin",
        "verdict",
        "note",
    ]
    assert all(set(of_comparison) <= set(one) for one in found["comparisons"])


def test_the_document_says_what_the_judgement_says():
    judgement, found = document()
    assert (found["verdict"], found["exit_code"]) == ("regressed", 3)
    assert [one["verdict"] for one in found["comparisons"]] == [
        str(one.verdict) for one in judgement.comparisons
    ]
    assert found["comparisons"][0]["change"] == judgement.comparisons[0].change
    assert found["comparisons"][-1]["sites"] == [{"function": "load", "base": 0.0, "candidate": 1.0}]
    assert found["suspects"][0]["functions"][0]["function"] == "slow"


def test_an_interval_without_bounds_is_null():
    session = Simulation({"a": 0.0})
    session.blocks("screen", 3, ["a"])
    found = as_json(judge(session.receipt, POLICY), None, None)
    assert (found["comparisons"][0]["low"], found["comparisons"][0]["high"]) == (None, None)
    json.dumps(found, allow_nan=False)
