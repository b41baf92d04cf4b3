"""The context-aware writing task: grammar, examples, loaders, and the demonstration's persona."""
