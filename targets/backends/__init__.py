"""The servers behind the core.

`embedded.EmbeddedServers` starts real ones, `external.ExternalServers` checks those that the user runs; both have
`start`, `environment` and `may_seed`. One file per store holds everything about it: its process, its official
driver, its basic read. `ceilings.probe` measures the capacity of the servers, `checks.CHECKS` is for `doctor`.
"""
