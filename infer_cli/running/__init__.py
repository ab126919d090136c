"""Starting services, in a container or without one, and what becomes of them."""
