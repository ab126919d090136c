"""A LitServe service with batching: one prediction for all requests in the queue."""

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
        """The rows of one request."""
        return np.array(request["rows"])

    def batch(self, inputs):
        """Join the rows of several requests, with the position where each request ends."""
        return np.concatenate(inputs), np.cumsum([len(rows) for rows in inputs])[:-1]

    def predict(self, batch):
        """Predict all rows at once."""
        rows, ends = batch
        return np.split(self.model.predict(rows), ends)

    def unbatch(self, output):
        """The labels of each request."""
        return output

    def encode_response(self, output):
        """The answer as an object to encode as JSON."""
        return {"predictions": output.tolist()}


if __name__ == "__main__":
    api = Pickled(max_batch_size=LARGEST_BATCH, batch_timeout=BATCH_TIMEOUT_S)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=WORKERS)
    server.run(
        host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning", generate_client_file=False
    )
