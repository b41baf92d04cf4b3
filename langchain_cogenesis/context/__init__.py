"""What is known of the user and stays on the device: schema, store, retriever, importers."""
