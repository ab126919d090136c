"""A BentoML service with adaptive batching."""

import os
import pickle
from pathlib import Path

import bentoml
import numpy as np


@bentoml.service(workers=2)
class Pickled:
    """Predicts rows."""

    def __init__(self) -> None:
        """Read the model."""
        self.model = pickle.loads(Path(os.environ["MODEL_FILE"]).read_bytes())

    @bentoml.api(batchable=True, max_batch_size=4000, max_latency_ms=1000)
    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Predict all rows."""
        return self.model.predict(rows)
