"""Files in, passages in the index out. Imports `rag` and nothing else of ours."""
