"""What the service keeps beside the articles: conversations, answers, opinions of readers."""
