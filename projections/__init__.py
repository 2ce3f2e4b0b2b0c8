"""Read models folded from the log: directory, audit trail, exchange statistics, obligations."""
