"""The prediction service: one trained model behind a small HTTP interface.

When the service starts, `application` makes each part of the parts before it::

    environment ──► settings ──► loading ─────► prediction ────────────────► web ─────────────► workers
                    Settings     LoadedModel,   ServedModel in a ModelSlot   fast path, Flask   Granian
                                 with a Model

A request passes these rooms, and its answer passes them in the other direction::

    workers ──► web ─────────► protocols ──────► prediction ──► models ─────────► compiler
    a thread    fast path or   bytes to rows     Predictor      fitted, ONNX or   the program of
                Flask                                           compiled          a compiled model

Run it with ``MODEL_FILE=model.joblib python3 -m service``. The package reads nothing but the model file
and writes no file at all, so it works on a read-only file system under any user id.
"""

# The version of infer, which brings this service: a test compares it with that of the command line.
__version__ = "0.1.0"
