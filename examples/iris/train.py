# /// script
# requires-python = ">=3.11"
# dependencies = ["pandas", "scikit-learn"]
# ///
"""Train a model that tells the species of an iris, and save it as data/model.pkl."""

import pickle
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

iris = load_iris(as_frame=True)

# The names of the columns become the names of the service's inputs.
measures = iris.data.set_axis(["slength", "swidth", "plength", "pwidth"], axis="columns")
species = iris.target_names[iris.target]

model = make_pipeline(StandardScaler(), LogisticRegression()).fit(measures, species)
print(f"accuracy on the training data: {model.score(measures, species):.3f}")

file = Path(__file__).parent / "data" / "model.pkl"
file.parent.mkdir(exist_ok=True)
file.write_bytes(pickle.dumps(model))
print(f"saved {file}")
