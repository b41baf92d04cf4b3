"""A grammar of personas, occasions and texts, from which the house models learn.

Everything is invented and follows from a seed. `examples.create_example` is the way in.
"""
