"""The service that users would write around the same model: FastAPI, one worker of uvicorn, scikit-learn. SPRAG_BENCH_MODEL names the pickled model."""

import os

import joblib
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

model = joblib.load(os.environ["SPRAG_BENCH_MODEL"])
app = FastAPI()


class Rows(BaseModel):
    data: list[list[float]]


@app.get("/readyz")
async def ready():
    return {"ready": True}


@app.post("/score")
async def score(rows: Rows):
    return {"result": model.predict(np.array(rows.data)).tolist()}
