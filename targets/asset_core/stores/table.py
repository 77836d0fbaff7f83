"""Create the DynamoDB table if it is missing."""

from typing import Any

from targets.asset_core.errors import StoreError
from targets.asset_core.scope import Scope
from targets.asset_core.stores.dynamo import DynamoAssets

KEY_SCHEMA = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
ATTRIBUTES = [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}]


def make_table(assets: DynamoAssets, scope: Scope) -> None:
    """Create the table, billed by request, and wait until it is usable; an existing one stays unchanged."""
    try:
        assets.call(assets.client.create_table, scope, **_description(assets.table))
    except StoreError as error:
        if not isinstance(error.__cause__, assets.client.exceptions.ResourceInUseException):
            raise
    assets.client.get_waiter("table_exists").wait(TableName=assets.table, WaiterConfig={"Delay": 1})


def _description(table: str) -> dict[str, Any]:
    return {
        "TableName": table,
        "KeySchema": KEY_SCHEMA,
        "AttributeDefinitions": ATTRIBUTES,
        "BillingMode": "PAY_PER_REQUEST",
    }
