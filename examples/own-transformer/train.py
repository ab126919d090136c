# /// script
# requires-python = ">=3.11"
# dependencies = ["pandas", "scikit-learn>=1.6"]
# ///
"""Train a model that tells how a parcel travels, and save it as data/model.pkl."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
from parcels import VolumeAndDensity
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

# An invented table: 300 parcels. Small ones go by bicycle, light ones by van, the others by train.
random = np.random.default_rng(seed=3)
count = 300
parcels = pd.DataFrame(
    {
        "length": random.uniform(20, 120, count).round(),
        "width": random.uniform(15, 60, count).round(),
        "height": random.uniform(5, 60, count).round(),
        "weight": random.uniform(0.5, 30, count).round(1),
    }
)
litres = parcels["length"] * parcels["width"] * parcels["height"] / 1000
density = parcels["weight"] / litres
way = np.select([litres < 20, density < 0.2], ["bicycle", "van"], "train")

# From the imputer, the first step, infer learns that each column is a number and may be missing.
steps = SimpleImputer(strategy="median"), VolumeAndDensity(), StandardScaler(), LogisticRegression()
model = make_pipeline(*steps).fit(parcels, way)
print(f"accuracy on the training data: {model.score(parcels, way):.3f}")

file = Path(__file__).parent / "data" / "model.pkl"
file.parent.mkdir(exist_ok=True)
file.write_bytes(pickle.dumps(model))
print(f"saved {file}")
