"""The front doors: the `dateline` command and the HTTP API. They validate, call and map."""
