"""The servers behind the core.

`embedded.EmbeddedServers` starts real ones, `external.ExternalServers` checks those that the user runs; both have
`start`, `environment` and `may_seed`. Each store has one file that knows all of it: its process, its official
driver, its basic read. `ceilings.probe` measures what the servers can give, `checks.CHECKS` is for `doctor`.
"""
