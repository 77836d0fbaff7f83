"""The request-processing core of an attack-surface-management platform.

It runs in AWS Lambda behind API Gateway (`targets.asset_core.lambda_entry`) or hosted in a process of one's own
(`targets.asset_core.core.Core`). Layers, each importing only those above it:

    errors, switches, settings, profiles, model, keys, risk      vocabulary and pure rules
    clocks, counting, scope, gate, tracing, metering, encoding   what every call carries and leaves behind
    stores/                                                      DynamoDB, graph and Redis, real and in memory
    cache/, fetch, executor                                      from a key to a whole asset
    security/, routing, validation, request, responses           from an event to a permitted request
    container, health, handler, core                             the whole, started once
    seeding, data/                                               generated inventories and how they get into the stores

Nothing here imports a client library before it is needed.
"""
