"""A vetiver service for the model."""

import os
import pickle
from pathlib import Path

import numpy as np
from vetiver import VetiverAPI, VetiverModel

model = pickle.loads(Path(os.environ["MODEL_FILE"]).read_bytes())
prototype = np.zeros((1, model.n_features_in_))
app = VetiverAPI(VetiverModel(model, "model", prototype_data=prototype), check_prototype=True).app
