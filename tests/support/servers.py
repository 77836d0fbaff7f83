"""What tests do to the embedded servers that they share."""

from targets.backends import dynamodb, graph
from targets.backends import redis as redis_store


def empty(environment):
    """Take all that the servers hold."""
    client = dynamodb.connect(environment)
    for name in client.list_tables()["TableNames"]:
        client.delete_table(TableName=name)
    client.close()
    with redis_store.connect(environment) as cache:
        cache.flushall()
    with graph.connect(environment) as driver, driver.session() as session:
        session.run("MATCH (n) DETACH DELETE n").consume()
