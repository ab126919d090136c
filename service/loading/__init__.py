"""From a model file to a model, safely: pickles, skops archives, ONNX models and compiled models."""
