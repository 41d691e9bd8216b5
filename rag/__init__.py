"""Question in, cited answer out. Imports nothing of `ingest`, `api` or `evals`."""
