"""Trains the diabetes model with scikit-learn and leaves it as `model.joblib`, and as an MLflow model in `mlflow` where MLflow is there. Usage: train.py CSV FOLDER"""

import pathlib
import sys

import joblib
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split

csv, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
frame = pd.read_csv(csv)
x, _, y, _ = train_test_split(frame.drop(columns="Y").to_numpy(), frame["Y"], test_size=0.2, random_state=0)
model = Ridge(alpha=0.5).fit(x, y)
joblib.dump(model, folder / "model.joblib")
try:
    import mlflow.sklearn
except ImportError:
    sys.exit()
mlflow.sklearn.save_model(model, folder / "mlflow", skops_trusted_types=None, serialization_format="cloudpickle")
