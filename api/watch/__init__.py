"""What operators see: one line for each request, metrics, traces."""
