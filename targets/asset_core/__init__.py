"""The request-processing core of an attack-surface-management platform.

It runs in AWS Lambda behind API Gateway (`targets.asset_core.lambda_entry`) or hosted in another process
(`targets.asset_core.core.Core`). Layers, each importing only those above it:

    errors, switches, settings, profiles, plan, model, keys, risk   vocabulary and pure rules
    clocks, counting, scope, gate, tracing, metering, encoding      context of every call, and its measurements
    pools, workspace, allocations, gc_policy                        memory: reused objects, and accounting
    stores/                                                         DynamoDB, graph and Redis, real and in memory
    cache/, fetch, executor                                         from a key to a whole asset
    security/, routing, request, validation, rules, reading, bodies from an event to a permitted, valid request
    processing, ingest                                              many assets at once, read and written
    workers/                                                        background work, and jobs that callers submit
    assembly, container, health, endpoints, handler, core           the whole, started once
    openapi                                                         the interface as a document
    seeding, data/                                                  generated inventories, and loading them into stores

No module here imports a client library before it is needed.
"""
