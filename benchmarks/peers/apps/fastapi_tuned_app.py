"""A FastAPI service tuned by an expert: orjson and arrays, no pydantic, no thread, no checks of the input."""

import os
import pickle
from pathlib import Path

import numpy as np
import orjson
from fastapi import FastAPI, Request, Response

app = FastAPI(openapi_url=None)
model = pickle.loads(Path(os.environ["MODEL_FILE"]).read_bytes())


@app.get("/health")
async def health() -> Response:
    """Answer once the model is loaded."""
    return Response(b"ok")


@app.post("/predict")
async def predict(request: Request) -> Response:
    """Predict all rows."""
    rows = np.array(orjson.loads(await request.body())["rows"])
    answer = orjson.dumps({"predictions": model.predict(rows)}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(answer, media_type="application/json")
