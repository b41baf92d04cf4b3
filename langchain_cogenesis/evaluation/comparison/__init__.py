"""The comparison of the paper: models alone, together, and other ways, on the same examples."""
