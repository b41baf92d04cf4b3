"""OpenAI-compatible endpoints on loopback."""
