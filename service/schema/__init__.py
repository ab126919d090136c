"""What a model takes and gives, as plain data: features with their column types, and predictions."""
