"""Examples: run one with `python -m examples.NAME --help` in the repository."""
