"""A FastAPI service as in FastAPI's documentation: pydantic models, and a function that runs in a thread."""

import os
import pickle
from pathlib import Path

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
model = pickle.loads(Path(os.environ["MODEL_FILE"]).read_bytes())


class Rows(BaseModel):
    """The body of a request."""

    rows: list[list[float]]


class Predictions(BaseModel):
    """The body of an answer."""

    predictions: list[int]


@app.post("/predict")
def predict(rows: Rows) -> Predictions:
    """Predict all rows."""
    return Predictions(predictions=model.predict(np.array(rows.rows)).tolist())
