"""The embedded warehouse: one DuckDB file with one writer at a time, and a copy of it that anybody may read."""
