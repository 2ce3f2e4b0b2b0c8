"""The national white list: its `file` is read, its `signature` verified, and `loading` records what it changes."""
