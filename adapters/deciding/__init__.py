"""Deciding commands: from a caller to a durable answer.

`engine` and `async_engine` are what callers use. A caller stands in the `line`; whoever leads it takes a batch to the
pen, sits down at the `desk`, and has the `clerk` decide one command after the other in one `turn` at the log: it
`identify`s whom they mean and asks the rules of `domain`; `memory` keeps what was read of the log. `checks` are decided
beside the pen, and recorded nowhere.
"""
