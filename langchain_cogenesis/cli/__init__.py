"""The `cogenesis` command line."""
