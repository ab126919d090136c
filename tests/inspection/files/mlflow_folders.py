"""Model folders as MLflow 3 writes them, without MLflow."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FLAVORS = """flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.sklearn
    model_path: model.pkl
    predict_fn: predict
    python_version: 3.11.7
"""
SKLEARN = """  sklearn:
    code: null
    pickled_model: model.pkl
    serialization_format: cloudpickle
    sklearn_version: 1.9.1
"""
REST = """is_signature_from_type_hint: false
mlflow_version: 3.17.2
model_id: null
saved_input_example_info:
  artifact_path: input_example.json
  pandas_orient: split
  serving_input_path: serving_input_example.json
  type: dataframe
signature:
  inputs: '[{"type": "double", "name": "age", "required": true}, {"type": "double",
    "name": "fare", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
  params: null
utc_time_created: '2026-11-26 18:21:18.745074'
"""
PYTHON_ENV = "python: 3.11.7\nbuild_dependencies:\n- pip==23.2.1\ndependencies:\n- -r requirements.txt\n"
REQUIREMENTS = "mlflow==3.17.2\nnumpy==2.4.6\nscikit-learn==1.9.1  # as trained\n-r other.txt\nscipy>=1\n"


def write_mlflow(folder: Path, model: object, *, text: str = FLAVORS + SKLEARN + REST) -> Path:
    """Write the folder with a pickled model in it, and give the model file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "MLmodel").write_text(text)
    (folder / "python_env.yaml").write_text(PYTHON_ENV)
    (folder / "requirements.txt").write_text(REQUIREMENTS)
    example = {"columns": ["age", "fare"], "data": [[1.5, 2.0], [3.0, None]]}
    (folder / "input_example.json").write_text(json.dumps(example))
    file = folder / "model.pkl"
    file.write_bytes(pickle.dumps(model))
    return file
