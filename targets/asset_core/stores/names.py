"""Names of stores in counters, checks and reports."""

DYNAMODB = "dynamodb"
NEO4J = "neo4j"
REDIS = "redis"
