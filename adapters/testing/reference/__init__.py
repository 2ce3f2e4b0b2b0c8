"""The reference twin: what every engine is held against; it shares no code with the deciders."""
