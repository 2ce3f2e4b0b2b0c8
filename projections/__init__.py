"""Read models folded from the log: directory, audit trail, statistics (none yet)."""
