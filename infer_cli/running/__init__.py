"""Starting a service: the model mount, readiness and ports."""
