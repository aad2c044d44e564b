"""A client of the Open Inference Protocol that knows nothing of sprag: tritonclient asks a service for its health, its model and predictions, with tensors as JSON
and as bytes, and prints what it got as one JSON object.

Arguments: the address of the service, the model's name and its version. Standard input: rows as a JSON array of arrays.
"""

import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException


def tensors(metadata, rows, binary=True, datatype="FP64"):
    """A tensor for each column of the model."""
    made = []
    for place, field in enumerate(metadata["inputs"]):
        tensor = triton.InferInput(field["name"], [len(rows)], datatype)
        tensor.set_data_from_numpy(np.ascontiguousarray(rows[:, place]), binary_data=binary)
        made.append(tensor)
    return made


def refusal(call):
    """The status and message of a call that must fail."""
    try:
        call()
    except InferenceServerException as error:
        return [error.status(), error.message()]
    raise AssertionError("expected the service to refuse")


def main():
    address, model, version = sys.argv[1:]
    rows = np.array(json.load(sys.stdin), dtype=np.float64)
    with triton.InferenceServerClient(address) as client:
        health = [client.is_server_live(), client.is_server_ready(), client.is_model_ready(model, version), client.is_model_ready("other")]
        metadata = client.get_model_metadata(model, version)
        output = metadata["outputs"][0]["name"]

        def infer(inputs, **more):
            result = client.infer(model, inputs, model_version=version, request_id="order-7", **more)
            response = result.get_response()
            assert (response["id"], response["model_name"], response["model_version"]) == ("order-7", model, version), response
            return result.as_numpy(output).tolist()

        as_json = [triton.InferRequestedOutput(output, binary_data=False)]
        as_bytes = [triton.InferRequestedOutput(output, binary_data=True)]
        whole = triton.InferInput("rows", list(rows.shape), "FP64")
        whole.set_data_from_numpy(rows)
        single = tensors(metadata, rows.astype(np.float32), datatype="FP32")
        short = tensors(metadata, rows)[:-1]
        text = triton.InferInput(metadata["inputs"][0]["name"], [len(rows)], "BYTES")
        text.set_data_from_numpy(np.array([b"x"] * len(rows), dtype=object))
        waited = client.async_infer(model, tensors(metadata, rows), model_version=version)
        json.dump(
            {
                "server": client.get_server_metadata(),
                "health": health,
                "metadata": metadata,
                "answers": {
                    "bytes both ways": infer(tensors(metadata, rows)),
                    "bytes one way": infer(tensors(metadata, rows), outputs=as_json),
                    "bytes the other way": infer(tensors(metadata, rows, binary=False), outputs=as_bytes),
                    "JSON both ways": infer(tensors(metadata, rows, binary=False), outputs=as_json),
                    "one tensor of all columns": infer([whole]),
                    "single precision": infer(single),
                    "asked for later": waited.get_result().as_numpy(output).tolist(),
                },
                "refusals": {
                    "a column is missing": refusal(lambda: client.infer(model, short)),
                    "a column is text": refusal(lambda: client.infer(model, [text] + tensors(metadata, rows)[1:])),
                    "another model": refusal(lambda: client.infer("other", tensors(metadata, rows))),
                    "another version": refusal(lambda: client.get_model_metadata(model, "99")),
                    "a compressed body": refusal(
                        lambda: client.infer(model, tensors(metadata, rows), request_compression_algorithm="gzip")
                    ),
                },
            },
            sys.stdout,
        )


main()
