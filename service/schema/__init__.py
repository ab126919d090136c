"""What a model takes and gives, as plain data: features, column types and predictions."""
