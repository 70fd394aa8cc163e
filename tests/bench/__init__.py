"""Benchmarks. `make bench` runs all, `make bench ONLY=name` one.

Each prints one JSON line `{bench, value, unit, runs, bound, compared_to}`; `value` is the median of
`runs`, `bound` what it should reach.
"""
