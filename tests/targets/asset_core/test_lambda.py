import json
import os
import subprocess
import sys

UNREACHABLE = {
    "DYNAMO_TABLE_NAME": "t",
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1",
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "NO_PROXY": "127.0.0.1",
    "NEO4J_URI": "bolt://127.0.0.1:1",
    "NEO4J_USER": "u",
    "NEO4J_PASSWORD": "p",
    "REDIS_ENDPOINT": "127.0.0.1:1",
    "JWT_ISSUER": "i",
    "JWT_AUDIENCE": "a",
}
PROGRAM = """
import json
from targets.asset_core import lambda_entry
response = lambda_entry.handler({"httpMethod": "GET", "path": "/health"}, None)
print(json.dumps([response["statusCode"], response["body"], lambda_entry.IMPORT_NS > 0, lambda_entry.INITIALISE_NS > 0]))
"""


def test_the_entry_module_survives_stores_that_are_down_and_answers_503(issuer):
    environment = os.environ | UNREACHABLE | {"JWKS": issuer.settings.jwks}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=90,
    )
    status, body, *timed = json.loads(result.stdout.splitlines()[-1])
    assert status == 503
    assert json.loads(body)["error"]["code"] == "unavailable"
    assert timed == [True, True]
    assert "initialisation failed" in result.stderr


def test_a_missing_variable_ends_the_import_with_its_name():
    environment = {name: value for name, value in os.environ.items() if name not in UNREACHABLE}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode != 0
    assert "JWKS" in result.stderr
