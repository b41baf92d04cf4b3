"""The house models: small GGUF files made for demonstrations and tests, with their model cards."""
