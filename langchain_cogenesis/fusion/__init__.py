"""Fusion: one next-token distribution out of several, and the decoding that draws from it."""
