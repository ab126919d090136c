"""A KServe model, written like the one in KServe's own scikit-learn server."""

import os
import pickle
from pathlib import Path

import numpy as np
from kserve import Model, ModelServer


class Pickled(Model):
    """Predicts the instances of the V1 protocol."""

    def load(self) -> bool:
        """Read the model."""
        self.model = pickle.loads(Path(os.environ["MODEL_FILE"]).read_bytes())
        self.ready = True
        return True

    def predict(self, payload, headers=None, response_headers=None):
        """Predict all instances."""
        return {"predictions": self.model.predict(np.array(payload["instances"])).tolist()}


if __name__ == "__main__":
    model = Pickled("model")
    model.load()
    # ModelServer itself reads the options of the command line.
    ModelServer().start([model])
