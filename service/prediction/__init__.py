"""From checked rows to predictions: the model, its batching and the predictor."""
