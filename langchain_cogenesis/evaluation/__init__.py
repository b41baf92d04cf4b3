"""What models write, measured: facts, style, plan, likelihood, each with its interval."""
