"""Everything about a provider: one folder each, all alike inside."""
