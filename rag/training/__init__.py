"""The recipes that made the files in `rag/models/`. Nothing at run time imports them."""
