"""The log: an append-only sequence of facts behind the `DCBRecorder` port, written with SQLAlchemy Core."""
