"""What a disk or a server lets the engine do, measured beside its raw limit in scratch space of its own."""
