"""What a request passes before it reaches a route: who asks, how often, how much, and when."""
