"""A grammar of German requests and letters, for evaluation and for the German house models.

Everything is invented and follows from a seed. `users.create_german_user` is the way in; what the
models are trained on is made by `langchain_cogenesis.data.german_examples`, with other names, and
without what is kept for evaluation.
"""
