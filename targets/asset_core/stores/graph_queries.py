"""Every query text of the graph, constant so that plans are reused; every value is a parameter.

The openCypher runs on Neo4j 5 and on the embedded server alike. Relationship types cannot be parameters: the kinds
are a fixed list, and each has its own text.
"""

from targets.asset_core.model import RELATIONSHIP_KINDS, RELATIONSHIP_LIMIT

_KINDS = "|".join(RELATIONSHIP_KINDS)
_RISK = (
    "r.id AS id, r.cve AS cve, r.title AS title, r.severity AS severity, r.cvss AS cvss, "
    "r.exploitability AS exploitability, r.status AS status, r.found_at AS found_at"
)

PING = "RETURN 1 AS one"

RISKS = f"MATCH (:Asset {{tenant: $tenant, id: $id}})-[:HAS_RISK]->(r:Risk) RETURN {_RISK}"
RISKS_AND_EXPOSURE = (
    "MATCH (a:Asset {tenant: $tenant, id: $id}) OPTIONAL MATCH (a)-[:HAS_RISK]->(r:Risk) "
    f"RETURN a.exposure AS exposure, {_RISK}"
)
"""A row for each risk, or one without a risk: an asset may be exposed through others alone."""

RISKS_OF = (
    "UNWIND $ids AS asset MATCH (:Asset {tenant: $tenant, id: asset})-[:HAS_RISK]->(r:Risk) "
    f"RETURN asset, {_RISK}"
)
RELATIONSHIPS = (
    f"MATCH (:Asset {{tenant: $tenant, id: $id}})-[r:{_KINDS}]->(b:Asset) "
    "RETURN type(r) AS kind, b.id AS target, b.type AS target_type "
    f"ORDER BY kind, target LIMIT {RELATIONSHIP_LIMIT + 1}"
)

LINKS_OF = (
    "UNWIND $ids AS asset "
    f"MATCH (:Asset {{tenant: $tenant, id: asset}})-[r:{_KINDS}]->(b:Asset) "
    "RETURN asset, type(r) AS kind, b.id AS target, b.type AS target_type "
    "ORDER BY asset, kind, target LIMIT $limit"
)
EXPOSURES_OF = (
    "UNWIND $ids AS asset MATCH (a:Asset {tenant: $tenant, id: asset}) WHERE a.exposure IS NOT NULL "
    "RETURN asset, a.exposure AS exposure"
)

UPSERT_ASSETS = "UNWIND $rows AS row MERGE (a:Asset {tenant: row.tenant, id: row.id}) SET a.type = row.type, a.name = row.name"
PLACE_ASSETS = (
    "UNWIND $rows AS row MERGE (a:Asset {tenant: row.tenant, id: row.id}) "
    "ON CREATE SET a.type = row.type, a.name = row.id"
)
"""Far ends of relationships, which may not have been ingested yet. Existing ones stay unchanged."""

SET_EXPOSURES = (
    "UNWIND $rows AS row MATCH (a:Asset {tenant: row.tenant, id: row.id}) SET a.exposure = row.exposure"
)
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
    for kind in RELATIONSHIP_KINDS
}
MERGES = frozenset({UPSERT_ASSETS, PLACE_ASSETS, UPSERT_RISKS, *UPSERT_LINKS.values()})
"""Statements that make nodes unless they are there: of two writers at once, a server may refuse one as a second of its kind."""

SCHEMA = (
    "CREATE CONSTRAINT asset_identity IF NOT EXISTS FOR (a:Asset) REQUIRE (a.tenant, a.id) IS UNIQUE",
    "CREATE CONSTRAINT risk_identity IF NOT EXISTS FOR (r:Risk) REQUIRE (r.tenant, r.id) IS UNIQUE",
)
