"""What MLflow's own client finds of a run and a registered model: mlflow_look.py URL EXPERIMENT MODEL ALIAS CSV. Prints JSON."""
import json
import sys

import mlflow
import pandas

url, experiment, model, alias, csv = sys.argv[1:]
mlflow.set_tracking_uri(url)
client = mlflow.MlflowClient()


def files(run, path=None):
    for entry in client.list_artifacts(run, path):
        yield from files(run, entry.path) if entry.is_dir else [entry.path]


found = client.get_experiment_by_name(experiment)
runs = client.search_runs([found.experiment_id], order_by=["attributes.start_time ASC"])
told = {"experiment": found.experiment_id, "runs": [], "versions": []}
for run in runs:
    told["runs"].append({
        "name": run.info.run_name,
        "status": run.info.status,
        "params": run.data.params,
        "metrics": run.data.metrics,
        "tags": run.data.tags,
        "files": sorted(files(run.info.run_id)),
        "data": [[one.dataset.name, one.tags[0].value] for one in run.inputs.dataset_inputs],
    })
for version in client.search_model_versions(f"name='{model}'"):
    told["versions"].append({"version": version.version, "aliases": list(client.get_model_version(model, version.version).aliases), "tags": version.tags})
if alias != "-":
    rows = pandas.read_csv(csv)
    predicted = mlflow.pyfunc.load_model(f"models:/{model}@{alias}").predict(rows)
    told["predicted"] = [float(value) for value in predicted["prediction"]]
print(json.dumps(told))
