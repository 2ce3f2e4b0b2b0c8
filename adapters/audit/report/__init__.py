"""A report on a part of the log: one page that needs nothing from elsewhere, for people who were not there.

It is made from the log alone, read as it lies: without the vault's key, without a trace, in memory that does not grow
with what is reported. No index but that of tags is asked, and that one is compared with the events where checkpoints
are given.
"""
