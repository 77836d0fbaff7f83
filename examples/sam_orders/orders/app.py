"""A Lambda function behind API Gateway: it makes orders and shows them. Its table is a dictionary."""

import json
from decimal import ROUND_HALF_UP, Decimal

PRICES = {"tea": Decimal("3.20"), "coffee": Decimal("4.75"), "cup": Decimal("8.00")}
TAX = Decimal("0.19")
TABLE = {"1": {"id": "1", "lines": [{"product": "tea", "pieces": 2}], "total": "7.62"}}


class BadOrder(Exception):
    """The order of a client cannot be carried out."""


def total_of(lines):
    """Return the price of an order with tax."""
    try:
        net = sum(PRICES[line["product"]] * int(line["pieces"]) for line in lines)
    except (KeyError, TypeError, ValueError) as error:
        raise BadOrder(f"a line cannot be read: {error}") from error
    return (net * (1 + TAX)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def make_order(event):
    """Store an order; the same body gets the same id."""
    lines = json.loads(event["body"])["lines"]
    order_id = str(2 + hash(event["body"]) % 1_000)
    TABLE[order_id] = {"id": order_id, "lines": lines, "total": str(total_of(lines))}
    return 201, TABLE[order_id]


def show_order(event):
    """Return an order."""
    order = TABLE.get(event["pathParameters"]["id"])
    return (200, order) if order else (404, {"message": "there is no such order"})


ROUTES = {("POST", "/orders"): make_order, ("GET", "/orders/{id}"): show_order}


def lambda_handler(event, context):
    """Answer one event of API Gateway."""
    try:
        status, body = ROUTES[event["httpMethod"], event["resource"]](event)
    except BadOrder as error:
        status, body = 400, {"message": str(error)}
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", "X-Request-Id": context.aws_request_id},
        "body": json.dumps(body),
    }
