"""A grammar of German requests and letters, for evaluation: the house models don't learn from it.

Everything is invented and follows from a seed. `users.create_german_user` is the way in.
"""
