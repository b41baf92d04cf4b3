"""Metrics of one text, each a pure function: facts, style, overlap, leaks, cost."""
