"""The table of a server: what it may hold, and one sentence for each thing that it may not."""

import pytest

from harness.errors import UsageError
from harness.policy.servers import read_servers

WHERE = "pyproject.toml"
GOOD = {"command": "python server.py {port}"}


def test_a_command_is_all_that_a_server_needs():
    found = read_servers({"shop": GOOD}, WHERE)["shop"]
    assert found.words == ("python", "server.py", "{port}")
    assert (found.ready, found.ready_within_s) == ("tcp", 60)
    assert (found.stop.number, found.stop.grace_s) == (15, 5)


def test_every_setting_is_read():
    found = read_servers(
        {
            "shop": {
                "command": ["./serve", "two words", "{port}"],
                "ready": "/health",
                "ready-within": "1m30s",
                "environment": {"A_B": "c"},
                "stop": {"signal": "SIGINT", "grace": "250ms"},
            }
        },
        WHERE,
    )["shop"]
    assert found.words == ("./serve", "two words", "{port}")
    assert (found.ready, found.ready_within_s, found.environment) == ("/health", 90, {"A_B": "c"})
    assert (found.stop.number, found.stop.grace_s) == (2, 0.25)


def test_underscores_are_accepted_in_settings_and_kept_in_the_environment():
    found = read_servers({"shop": {**GOOD, "ready_within": "5s", "environment": {"A_B": "c"}}}, WHERE)["shop"]
    assert (found.ready_within_s, found.environment) == (5, {"A_B": "c"})


def test_the_port_may_stand_in_the_environment():
    read_servers({"shop": {"command": "npm start", "environment": {"PORT": "{port}"}}}, WHERE)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, "Server 'shop' has no command"),
        ({"comand": "x"}, "Server 'shop' has no setting 'comand' (pyproject.toml). Did you mean 'command'?"),
        ({**GOOD, "stop": {"sygnal": "SIGINT"}}, "has no setting 'stop.sygnal' (pyproject.toml). Did you mean 'stop.signal'?"),
        ({"command": ""}, "its command is empty"),
        ({"command": []}, "its command is empty"),
        ({"command": "serve '{port}"}, "its command cannot be split into words (No closing quotation)"),
        ({"command": "serve 8000"}, "neither its command nor its environment has {port}"),
        ({"command": 8000}, "Server 'shop' is not valid: Expected `str | array`, got `int` - at `command`"),
        ({**GOOD, "environment": {"A": 1}}, "Server 'shop' is not valid"),
        ({**GOOD, "ready": "health"}, "ready is 'health', neither tcp nor a path"),
        ({**GOOD, "ready-within": "soon"}, "ready-within is 'soon', which is no duration"),
        ({**GOOD, "stop": {"signal": "TERM"}}, "stop.signal is 'TERM'"),
        ({**GOOD, "stop": {"grace": "5"}}, "stop.grace is '5', which is no duration"),
        ({**GOOD, "stop": "SIGINT"}, "Server 'shop' is not valid"),
    ],
)  # fmt: skip
def test_a_senseless_server_is_refused_in_one_sentence(table, words):
    with pytest.raises(UsageError) as caught:
        read_servers({"shop": table}, WHERE)
    assert words in str(caught.value)
    assert WHERE in str(caught.value)


@pytest.mark.parametrize("name", ["", "../shop", "a shop", ".shop"])
def test_a_name_is_also_that_of_a_file(name):
    with pytest.raises(UsageError, match="is no name for a server"):
        read_servers({name: GOOD}, WHERE)


@pytest.mark.parametrize("declared", ["shop", ["shop"], {"shop": "python"}])
def test_servers_are_tables(declared):
    with pytest.raises(UsageError, match="not a table of tables"):
        read_servers(declared, WHERE)
