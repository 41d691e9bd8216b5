"""What the API takes and gives, where it differs from the values in `rag.types`."""
