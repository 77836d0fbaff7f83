"""Every query text of the graph, constant so that plans are reused; every value a parameter.

openCypher that runs on Neo4j 5 and on the embedded server alike. Relationship types cannot be parameters: the kinds
are a fixed list, and each has a text of its own.
"""

from targets.asset_core.model import RELATIONSHIP_LIMIT

KINDS = ("CONNECTS_TO", "DEPENDS_ON", "EXPOSES", "HOSTS", "RESOLVES_TO")

PING = "RETURN 1 AS one"

RISKS = (
    "MATCH (:Asset {tenant: $tenant, id: $id})-[:HAS_RISK]->(r:Risk) "
    "RETURN r.id AS id, r.cve AS cve, r.title AS title, r.severity AS severity, r.cvss AS cvss, "
    "r.exploitability AS exploitability, r.status AS status, r.found_at AS found_at"
)
RELATIONSHIPS = (
    f"MATCH (:Asset {{tenant: $tenant, id: $id}})-[r:{'|'.join(KINDS)}]->(b:Asset) "
    "RETURN type(r) AS kind, b.id AS target, b.type AS target_type "
    f"ORDER BY kind, target LIMIT {RELATIONSHIP_LIMIT + 1}"
)

UPSERT_ASSETS = "UNWIND $rows AS row MERGE (a:Asset {tenant: row.tenant, id: row.id}) SET a.type = row.type, a.name = row.name"
UPSERT_RISKS = (
    "UNWIND $rows AS row MATCH (a:Asset {tenant: row.tenant, id: row.asset}) "
    "MERGE (r:Risk {tenant: row.tenant, id: row.id}) "
    "SET r.cve = row.cve, r.title = row.title, r.severity = row.severity, r.cvss = row.cvss, "
    "r.exploitability = row.exploitability, r.status = row.status, r.found_at = row.found_at "
    "MERGE (a)-[:HAS_RISK]->(r)"
)
UPSERT_LINKS = {
    kind: (
        "UNWIND $rows AS row MATCH (a:Asset {tenant: row.tenant, id: row.source}) "
        f"MATCH (b:Asset {{tenant: row.tenant, id: row.target}}) MERGE (a)-[:{kind}]->(b)"
    )
    for kind in KINDS
}

SCHEMA = (
    "CREATE CONSTRAINT asset_identity IF NOT EXISTS FOR (a:Asset) REQUIRE (a.tenant, a.id) IS UNIQUE",
    "CREATE CONSTRAINT risk_identity IF NOT EXISTS FOR (r:Risk) REQUIRE (r.tenant, r.id) IS UNIQUE",
)
