"""Measurements behind every claim of speed and memory: `make bench` prints them as tables.

Ratios within one process, interleaved, medians; process CPU time of one thread, which other load on the machine
disturbs least.
"""
