"""Rule sets as data: dated, versioned, in files that people write (`shipped.toml` is one to start from)."""

from huissier.adapters.rule_sets.reading import RulesFileError, read_rules, shipped

__all__ = ["RulesFileError", "read_rules", "shipped"]
