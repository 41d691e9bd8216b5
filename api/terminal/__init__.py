"""A conversation on the terminal: `dateline chat` is held here."""
