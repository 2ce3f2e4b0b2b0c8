"""Everything that touches the world: the engine, the log, the vault, the command line, file formats."""
