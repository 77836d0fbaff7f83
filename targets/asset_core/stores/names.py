"""The names under which stores are counted, checked and reported."""

DYNAMODB = "dynamodb"
NEO4J = "neo4j"
REDIS = "redis"
