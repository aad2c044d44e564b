"""The diabetes project's six steps as one plain Python script with scikit-learn: what a user would write instead of a sprag project.

Check the data, test the trainer, train, evaluate against the model in production, register, point the alias. Usage: six_steps.py CSV FOLDER
"""

import json
import pathlib
import sys

import joblib
import numpy as np
import pandas as pd
from scipy.stats import ks_2samp
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
from sklearn.model_selection import train_test_split

csv, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)


def check(frame, reference):
    assert list(frame.columns) == list(reference.columns), "columns"
    assert len(frame) > 0 and not frame.isna().any().any(), "nulls"
    for name in frame.columns:
        low, high = reference[name].min(), reference[name].max()
        assert frame[name].between(low - (high - low) / 2, high + (high - low) / 2).all(), f"range of {name}"
        assert ks_2samp(frame[name], reference[name]).pvalue > 0.001, f"drift of {name}"
    assert not frame.duplicated().any(), "duplicates"


def test():
    model = Ridge(alpha=1.2).fit(np.arange(1.0, 7.0).reshape(-1, 1), [10.0, 9.0, 8.0, 8.0, 6.0, 5.0])
    np.testing.assert_allclose(model.predict([[1.0], [2.0]]), [9.93939393939394, 9.03030303030303], rtol=1e-9)


def metrics(model, x, y):
    predicted = model.predict(x)
    mse = mean_squared_error(y, predicted)
    return {"mse": mse, "rmse": mse**0.5, "mae": mean_absolute_error(y, predicted), "r2": r2_score(y, predicted)}


frame = pd.read_csv(csv)
check(frame, frame)
test()
x_train, x_test, y_train, y_test = train_test_split(frame.drop(columns="Y"), frame["Y"], test_size=0.2, random_state=0)
candidate = Ridge(alpha=0.5).fit(x_train, y_train)
alias = folder / "production.json"
scores = metrics(candidate, x_test, y_test)
production = None
if alias.exists():
    production = metrics(joblib.load(folder / json.loads(alias.read_text())["model"]), x_test, y_test)
    # The same paired bootstrap that the sprag project's gate draws.
    old = joblib.load(folder / json.loads(alias.read_text())["model"])
    losses = (y_test - candidate.predict(x_test)) ** 2 - (y_test - old.predict(x_test)) ** 2
    rows = np.random.default_rng(0).integers(0, len(losses), (1000, len(losses)))
    interval = np.quantile(losses.to_numpy()[rows].mean(axis=1), [0.025, 0.975])
if production is None or scores["mse"] < production["mse"]:
    version = len(list(folder.glob("model-*.joblib"))) + 1
    joblib.dump(candidate, folder / f"model-{version}.joblib")
    alias.write_text(json.dumps({"model": f"model-{version}.joblib", "metrics": scores}))
    print("promoted", scores["mse"])
else:
    print("kept", scores["mse"])
