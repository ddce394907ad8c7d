"""Benchmarks, for `make bench`: what a run costs, measured side by side with what it is compared to."""
