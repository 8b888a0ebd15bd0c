"""Benchmarks: `make bench`. Not part of what is installed."""
