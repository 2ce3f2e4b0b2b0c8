"""Ingest: what mail servers tell of deliveries, in logs and reports, becomes facts about submissions."""
