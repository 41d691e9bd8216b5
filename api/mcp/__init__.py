"""The archive as tools, resources and a prompt for other agents, by the Model Context Protocol."""
