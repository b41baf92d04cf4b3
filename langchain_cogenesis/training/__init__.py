"""Training, export and evaluation of the house models. Needs the `training` extra."""
