"""A Flask service as in most tutorials, except that it loads the model once and not for each request."""

import os
import pickle
from pathlib import Path

import numpy as np
from flask import Flask, jsonify, request

app = Flask(__name__)
model = pickle.loads(Path(os.environ["MODEL_FILE"]).read_bytes())


@app.get("/health")
def health():
    """Answer once the model is loaded."""
    return "ok"


@app.post("/predict")
def predict():
    """Predict the rows of `{"rows": [[…], …]}`."""
    rows = np.array(request.get_json()["rows"])
    return jsonify({"predictions": model.predict(rows).tolist()})
