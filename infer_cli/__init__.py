"""Turn a trained scikit-learn model into a prediction service in a container."""

__version__ = "0.1.0"
