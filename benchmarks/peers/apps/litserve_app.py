"""LitServe with batches: as many requests as wait are predicted together."""

import os
import pickle
from pathlib import Path

import litserve
import numpy as np

WORKERS = 2
LARGEST_BATCH = 64
BATCH_TIMEOUT_S = 0.001


class Pickled(litserve.LitAPI):
    """Predicts the rows of `{"rows": [[…], …]}`."""

    def setup(self, device):
        """Read the model."""
        self.model = pickle.loads(Path(os.environ["MODEL_FILE"]).read_bytes())

    def decode_request(self, request):
        """Give the rows of one request."""
        return np.array(request["rows"])

    def batch(self, inputs):
        """Put the rows of several requests together, and remember where each ends."""
        return np.concatenate(inputs), np.cumsum([len(rows) for rows in inputs])[:-1]

    def predict(self, batch):
        """Predict all rows at once."""
        rows, ends = batch
        return np.split(self.model.predict(rows), ends)

    def unbatch(self, output):
        """Give each request its own."""
        return output

    def encode_response(self, output):
        """Give what becomes JSON."""
        return {"predictions": output.tolist()}


if __name__ == "__main__":
    api = Pickled(max_batch_size=LARGEST_BATCH, batch_timeout=BATCH_TIMEOUT_S)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=WORKERS)
    server.run(
        host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning", generate_client_file=False
    )
