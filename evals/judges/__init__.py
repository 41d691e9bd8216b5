"""Judges of what an answer says, and how far people agree with them."""
