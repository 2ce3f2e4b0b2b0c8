"""The audit trail: facts told in French and English, found by what they concern, and decisions explained."""
