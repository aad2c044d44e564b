"""The spans of the one trace that an MLflow server has of an experiment: mlflow_spans.py URL EXPERIMENT. Prints JSON."""
import json
import sys

import mlflow

mlflow.set_tracking_uri(sys.argv[1])
(trace,) = mlflow.search_traces(locations=[sys.argv[2]], return_type="list")
told = [
    {
        "name": span.name,
        "trace": trace.info.trace_id.removeprefix("tr-"),
        "id": span.span_id,
        "parent": span.parent_id,
        "status": span.status.status_code.value,
        "attributes": span.attributes,
        "start": span.start_time_ns,
        "end": span.end_time_ns,
    }
    for span in trace.data.spans
]
print(json.dumps(told))
