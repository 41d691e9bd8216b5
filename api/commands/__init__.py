"""What each `dateline` command does, and what they share."""
