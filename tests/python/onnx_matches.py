#!/usr/bin/env python3
"""Holds a model's state against onnxruntime: the same rows must give the same predictions.

    onnx_matches.py MODEL.onnx DATA.csv PREDICTIONS.csv [--rows-from ROWS.txt] [--column candidate] [--tolerance 1e-9]

MODEL.onnx is what `train-ridge` or `train-logistic` wrote. DATA.csv holds the model's input columns by name. PREDICTIONS.csv holds, row for row, the
column to compare (`candidate`, as in the artifact `predictions.csv`, or `prediction`), and for a classifier also the columns `probability:<class>`, where
it has them. ROWS.txt lists, separated by white space, which rows of DATA.csv the predictions are of, from 0; without it they are of all rows.

Exit code 0: all agree. 1: some do not, or the model is not valid; says which. Needs the packages `onnx`, `onnxruntime` and `numpy`.
"""

import argparse
import csv
import json
import sys


def read_csv(path):
    """The columns of a file, by name, as text."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return {name: [row[at] for row in rows[1:]] for at, name in enumerate(rows[0])}


def number(text):
    """A cell as a number; booleans count as 0 and 1."""
    return {"true": 1.0, "false": 0.0}.get(text.lower()) if text.lower() in ("true", "false") else float(text)


def worst(found, expected):
    """The largest relative difference (absolute below 1), and its row."""
    differences = [abs(f - e) / max(1.0, abs(e)) for f, e in zip(found, expected)]
    # A difference that is not a number is the worst of all.
    row = max(range(len(differences)), key=lambda row: (differences[row] != differences[row], differences[row]))
    return differences[row], row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("predictions")
    parser.add_argument("--rows-from")
    parser.add_argument("--column")
    parser.add_argument("--tolerance", type=float, default=1e-9)
    arguments = parser.parse_args()

    import numpy
    import onnx
    import onnxruntime

    model = onnx.load(arguments.model)
    onnx.checker.check_model(model, full_check=True)
    metadata = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    data, predictions = read_csv(arguments.data), read_csv(arguments.predictions)

    columns = [[number(cell) for cell in data[column["name"]]] for column in metadata["sprag.signature"]["inputs"]]
    features = numpy.array(columns, dtype=numpy.float64).T
    if arguments.rows_from:
        with open(arguments.rows_from, encoding="utf-8") as file:
            features = features[[int(row) for row in file.read().split()]]
    session = onnxruntime.InferenceSession(arguments.model, providers=["CPUExecutionProvider"])
    outputs = dict(zip([output.name for output in session.get_outputs()], session.run(None, {"features": numpy.ascontiguousarray(features)})))

    name = arguments.column or ("candidate" if "candidate" in predictions else "prediction")
    given = predictions[name]
    if len(given) > len(features) or not given:
        print(f"expected 1 to {len(features)} predictions in column `{name}`, found {len(given)}")
        return 1

    faults, compared = [], 0
    if "prediction" in outputs:
        pairs = [(name, outputs["prediction"][: len(given), 0], [float(cell) for cell in given])]
    else:
        labels = metadata["sprag.labels"]
        for row, (index, cell) in enumerate(zip(outputs["label_index"], given)):
            if labels[index] != cell:
                faults.append(f"row {row}: expected class {cell!r}, onnxruntime gives {labels[index]!r}")
        pairs = [
            (column, outputs["probabilities"][: len(given), at], [float(cell) for cell in predictions[column]])
            for at, column in enumerate(f"probability:{label}" for label in labels)
            if column in predictions
        ]
        compared += len(given)
    for column, found, expected in pairs:
        difference, row = worst(found, expected)
        compared += len(expected)
        # Written so that a NaN is a fault.
        if not difference <= arguments.tolerance:
            faults.append(f"column `{column}`, row {row}: expected {expected[row]!r}, onnxruntime gives {float(found[row])!r} (off by {difference:.3g})")
        else:
            print(f"column `{column}`: {len(expected)} rows agree to {difference:.3g}")
    for fault in faults:
        print(fault)
    print(f"{compared} values compared with onnxruntime {onnxruntime.__version__}, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
