"""A conformance suite for gateways, whoever wrote them: what mail servers tell them, and what must be answered."""
