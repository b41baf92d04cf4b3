"""Readers that turn files into private context, one per format."""
