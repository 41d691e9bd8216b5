"""The API as OpenAI's clients know it: requests, replies, failures."""
