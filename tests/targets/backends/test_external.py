"""External stores are checked before they are used, and errors name the variable."""

import pytest

from harness.errors import ServerError, UsageError
from harness.serving.listening import free_port
from harness.supervise import Supervisor
from targets.backends.external import ExternalServers

COMPLETE = {
    "DYNAMO_TABLE_NAME": "assets",
    "NEO4J_URI": "bolt://127.0.0.1:7687",
    "NEO4J_USER": "neo4j",
    "NEO4J_PASSWORD": "hunter2",
    "REDIS_ENDPOINT": "127.0.0.1:6379",
}


def test_variables_are_passed_on_with_the_default_region():
    assert ExternalServers(COMPLETE).environment() == {**COMPLETE, "AWS_REGION": "us-east-1"}


def test_optional_variables_are_passed_on_only_when_they_are_set():
    given = {
        **COMPLETE,
        "REDIS_PASSWORD": "",
        "AWS_REGION": "eu-west-1",
        "AWS_SESSION_TOKEN": "t",
        "HOME": "/",
    }
    expected = {**COMPLETE, "AWS_REGION": "eu-west-1", "AWS_SESSION_TOKEN": "t"}
    assert ExternalServers(given).environment() == expected


@pytest.mark.parametrize("name", COMPLETE)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_or_empty_variable_is_named(name, value):
    given = {key: text for key, text in COMPLETE.items() if key != name}
    if value is not None:
        given[name] = value
    with pytest.raises(UsageError, match=name):
        ExternalServers(given).environment()


def test_all_missing_variables_are_named_at_once():
    with pytest.raises(UsageError) as caught:
        ExternalServers({}).environment()
    assert all(name in str(caught.value) for name in COMPLETE)


@pytest.mark.parametrize("endpoint", ["localhost", "localhost:", ":6379", "localhost:redis"])
def test_a_redis_endpoint_without_host_or_port_is_refused(endpoint):
    with pytest.raises(UsageError, match=f"REDIS_ENDPOINT is '{endpoint}', which is not host:port"):
        ExternalServers({**COMPLETE, "REDIS_ENDPOINT": endpoint}).environment()


def test_nobody_may_seed_external_stores_unless_asked_to():
    assert not ExternalServers(COMPLETE).may_seed
    assert ExternalServers(COMPLETE, seed=True).may_seed


def test_a_store_that_does_not_answer_is_named_with_its_variables(tmp_path):
    given = {
        **COMPLETE,
        "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{free_port()}",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }
    with (
        Supervisor() as supervisor,
        ExternalServers(given) as servers,
        pytest.raises(
            ServerError, match=r"DynamoDB does not answer: .* Check AWS_ENDPOINT_URL_DYNAMODB, AWS_REGION"
        ),
    ):
        servers.start(supervisor, tmp_path)
