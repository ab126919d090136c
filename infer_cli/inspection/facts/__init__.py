"""What the nodes of a model file tell of the model, and which packages and names loading it needs."""
