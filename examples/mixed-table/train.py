# /// script
# requires-python = ">=3.11"
# dependencies = ["pandas", "scikit-learn"]
# ///
"""Train a model that tells whether a customer will leave, and save it as data/model.pkl."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

# An invented table: 600 customers, some of whom did not say how old they are or where they live.
random = np.random.default_rng(seed=7)
count = 600
customers = pd.DataFrame(
    {
        "age": random.integers(18, 80, count).astype(float),
        "calls": random.poisson(3, count),
        "plan": random.choice(["basic", "family", "pro"], count),
        "town": random.choice(["Aachen", "Bergen", "Cork"], count),
        "autopay": random.random(count) < 0.6,
    }
)
noise = random.normal(0, 1, count)
risk = 0.5 * customers["calls"] - 0.03 * customers["age"] - 1.5 * customers["autopay"] + noise
left = np.where(risk > -0.5, "leaves", "stays")
customers.loc[random.random(count) < 0.1, "age"] = np.nan
customers.loc[random.random(count) < 0.1, "town"] = None

numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
columns = make_column_transformer(
    (numbers, ["age", "calls"]),
    (OneHotEncoder(), ["plan", "autopay"]),
    (OneHotEncoder(handle_unknown="ignore"), ["town"]),
)
model = make_pipeline(columns, LogisticRegression()).fit(customers, left)
print(f"accuracy on the training data: {model.score(customers, left):.3f}")

file = Path(__file__).parent / "data" / "model.pkl"
file.parent.mkdir(exist_ok=True)
file.write_bytes(pickle.dumps(model))
print(f"saved {file}")
