"""The prediction service: one trained model behind a small HTTP interface.

::

    environment ──► settings ──► sizing ──► loading ──► predictor ──► app ──► server
                    Settings     Sizing     LoadedModel  Predictor    Flask   Granian

Run it with ``MODEL_FILE=model.joblib python3 -m service``. The package reads nothing but the model file
and writes no file at all, so it works on a read-only file system under any user id.
"""
