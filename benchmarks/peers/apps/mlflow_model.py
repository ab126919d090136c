"""Writes the model in MLflow's format into the folder of the first argument."""

import os
import pickle
import sys
from pathlib import Path

import mlflow.sklearn

model = pickle.loads(Path(os.environ["MODEL_FILE"]).read_bytes())
mlflow.sklearn.save_model(
    model, sys.argv[1], serialization_format="cloudpickle", pip_requirements=["scikit-learn"]
)
