"""What a run came to, as a page, a comment, JUnit XML and JSON."""
