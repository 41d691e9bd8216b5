"""Other projects beside ours, on the same pairs and the same questions."""
