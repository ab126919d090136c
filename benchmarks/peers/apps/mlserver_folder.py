"""Writes the model and settings for MLServer into the folder of the first argument."""

import json
import os
import shutil
import sys
from pathlib import Path

LARGEST_BATCH = 64
BATCH_TIMEOUT_S = 0.002

folder = Path(sys.argv[1])
folder.mkdir()
# MLServer loads the file with joblib, which also reads pickles.
shutil.copy(os.environ["MODEL_FILE"], folder / "model.joblib")
settings = {
    "name": "model",
    "implementation": "mlserver_sklearn.SKLearnModel",
    "parameters": {"uri": "./model.joblib"},
    "max_batch_size": LARGEST_BATCH,
    "max_batch_time": BATCH_TIMEOUT_S,
}
(folder / "model-settings.json").write_text(json.dumps(settings))
(folder / "settings.json").write_text(json.dumps({"debug": False, "parallel_workers": 0}))
