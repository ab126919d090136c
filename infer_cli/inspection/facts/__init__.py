"""What the objects of a model file tell of the model."""
