"""Benchmarks: what caso costs, beside what the same answer has to cost."""
