"""The rules: who may write to whom in the MSSanté trust space.

Pure: no clock, no randomness, no I/O. Time comes with the command, identities come pseudonymised, and the
log comes as facts. Read in this order: `vocabulary/`, `commands`, `events`, the deciders (`operator`,
`trust_space`, `mailbox`, `contact`, `message`), `rules` with `rule_set` and `reasons`, then `decide`.
"""
