"""DynamoDB: moto's process, and the basic read through boto3."""

import contextlib
import importlib.util
import itertools
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from harness.errors import ServerError
from harness.serving.listening import LOOPBACK, free_port
from harness.supervise import Child, Supervisor
from targets.backends.server import INSTALL_REMEDY, LocalServer, new_password, require

TABLE = "assets"
REGION = "us-east-1"
TIMEOUT_S = 2.0

_ROOT = Path(__file__).resolve().parents[2]
_ABSENT_KEY = {"pk": {"S": "T#probe#A#probe"}, "sk": {"S": "META"}}


class DynamoServer(LocalServer):
    """moto in server mode. It keeps its tables in memory, and accepts only requests signed with its own key."""

    name = "dynamodb"
    what = "DynamoDB (moto)"
    refusals = (BotoCoreError, ClientError)

    def __init__(self, private: Path, find_port: Callable[[], int] = free_port) -> None:
        super().__init__(private, find_port)
        self._key_id = new_password()

    def start(self, supervisor: Supervisor, log: Path) -> Child:
        """See `Server.start`. The key is passed in the environment: arguments are visible to every user."""
        require_moto()
        supervisor.secrets.add(self._key_id, self._password)
        self._port = self._find_port()
        self._private.mkdir(parents=True, exist_ok=True)
        # `-P` and our own root: a folder `targets` in the user's directory must not be imported instead.
        argv = [sys.executable, "-P", "-m", "targets.backends.moto_child", LOOPBACK, str(self._port)]
        env = {**os.environ, **self._key, "PYTHONPATH": str(_ROOT), "MOTO_DISABLE_GLOBAL_CORS": "true"}
        child = supervisor.start(self.name, argv, log=log, env=env, cwd=self._private)
        self._pid = child.pid
        return child

    def _ask(self) -> None:
        ask(self.environment())

    def environment(self) -> dict[str, str]:
        """See `Server.environment`. A proxy in the user's environment must not receive local calls."""
        bypass = ",".join(filter(None, (os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), LOOPBACK)))
        return {
            "DYNAMO_TABLE_NAME": TABLE,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL_DYNAMODB": f"http://{LOOPBACK}:{self._port}",
            **self._key,
            "NO_PROXY": bypass,
            "no_proxy": bypass,
        }

    @property
    def _key(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": self._key_id, "AWS_SECRET_ACCESS_KEY": self._password}


def require_moto() -> None:
    """Raise ServerError if moto's server is not installed."""
    missing = [name for name in ("moto", "flask", "werkzeug") if importlib.util.find_spec(name) is None]
    if missing:
        raise ServerError(
            f"There is no DynamoDB: the package {missing[0]} is missing",
            remedy=f'Install it with `pip install "moto[dynamodb,server]"`. {INSTALL_REMEDY}',
        )


def connect(environment: Mapping[str, str]) -> Any:
    """Return a boto3 client that fails instead of retrying; without an endpoint it calls AWS."""
    endpoint = environment.get("AWS_ENDPOINT_URL_DYNAMODB") or None
    local = endpoint is not None and f"//{LOOPBACK}:" in endpoint
    return boto3.session.Session().client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name=environment.get("AWS_REGION", REGION),
        aws_access_key_id=environment.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=environment.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=environment.get("AWS_SESSION_TOKEN"),
        config=Config(
            connect_timeout=TIMEOUT_S,
            read_timeout=TIMEOUT_S,
            retries={"total_max_attempts": 1},
            max_pool_connections=32,
            proxies={} if local else None,
        ),
    )


def ask(environment: Mapping[str, str]) -> None:
    """Query the table, which need not exist yet; raises the driver's error."""
    with (
        contextlib.closing(connect(environment)) as client,
        contextlib.suppress(client.exceptions.ResourceNotFoundException),
    ):
        client.describe_table(TableName=require(environment, "DYNAMO_TABLE_NAME"))


class DynamoReader:
    """GetItem and Query of one item in turn, like a read of an asset: an existing one, if there is any."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._table = require(environment, "DYNAMO_TABLE_NAME")
        self._client = connect(environment)
        found = self._some_key()
        self._key = found or _ABSENT_KEY
        read = f"GetItem and Query in turn of one item{'' if found else ' that does not exist'}"
        self.what = f"{read} (boto3 {boto3.__version__})"

    @contextlib.contextmanager
    def open(self) -> Iterator[Callable[[], object]]:
        """See `Reader.open`."""
        query = {
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :sk)",
            "ExpressionAttributeValues": {":pk": self._key["pk"], ":sk": {"S": "TECH#"}},
        }
        reads: Iterator[Callable[[], object]] = itertools.cycle(
            (
                lambda: self._client.get_item(TableName=self._table, Key=self._key),
                lambda: self._client.query(TableName=self._table, **query),
            )
        )
        yield lambda: next(reads)()  # noqa: PLW0108 - each call takes the next

    def close(self) -> None:
        """See `Reader.close`."""
        self._client.close()

    def _some_key(self) -> dict[str, Any] | None:
        try:
            page = self._client.scan(TableName=self._table, Limit=1, ProjectionExpression="pk, sk")
        except self._client.exceptions.ResourceNotFoundException as error:
            raise ServerError(
                f"The table {self._table!r} does not exist",
                remedy="Seed the stores before they are measured.",
            ) from error
        return page["Items"][0] if page["Items"] else None
