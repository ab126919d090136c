"""FastAPI as its documentation writes it: pydantic models, and a plain function that runs in a thread."""

import os
import pickle
from pathlib import Path

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
model = pickle.loads(Path(os.environ["MODEL_FILE"]).read_bytes())


class Rows(BaseModel):
    """What a client sends."""

    rows: list[list[float]]


class Predictions(BaseModel):
    """What it gets."""

    predictions: list[int]


@app.post("/predict")
def predict(rows: Rows) -> Predictions:
    """Predict all rows."""
    return Predictions(predictions=model.predict(np.array(rows.rows)).tolist())
