"""The Slack bot: a thread is a conversation, and its answers carry their quotations."""
