"""The requests of the memory run, without its process."""

import dataclasses
from types import SimpleNamespace

from harness.processes.fixed import Driver
from harness.target.carrying import Carrier
from harness.target.journeys import Journey, Step
from harness.target.loading import make


def test_requests_are_drawn_by_weight_or_are_the_steps_of_a_journey_again_and_again():
    drawn = make("targets.known:noop", {})
    walking = dataclasses.replace(drawn, journey=Journey((Step("login"), Step("browse"), Step("browse"))))
    operations = {}
    for target in (drawn, walking):
        driver = Driver(SimpleNamespace(seed=1), target, Carrier())
        operations[target is walking] = [
            column.tolist() for column in driver._drawn(7, {"browse": 1, "login": 1})
        ]
    assert operations[True] == [[1, 0, 0, 1, 0, 0, 1], [0, 0, 1, 1, 2, 3, 2]]
    operation, payload = operations[False]
    assert set(operation) == {0, 1}
    assert sorted(zip(operation, payload, strict=True)) == [
        (number, turn) for number in (0, 1) for turn in range(operation.count(number))
    ]
