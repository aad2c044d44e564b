"""Logs and registers two models as people do who train elsewhere: mlflow_log.py URL. One is ONNX with 32 bits and says nothing of sprag, the other Python's own."""
import sys

import mlflow
import numpy
import onnx
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from onnx import TensorProto, helper

COLUMNS = ["AGE", "SEX", "BMI", "BP", "S1", "S2", "S3", "S4", "S5", "S6"]

mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("elsewhere")
# The weights of the columns backwards, so that whoever takes them in another order is found out.
weights = numpy.array([[0.0]] * 7 + [[900.0]] + [[0.0]] * 2, dtype=numpy.float32)
graph = helper.make_graph(
    [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["m", "b"], ["y"])],
    "line",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 10])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
    [
        helper.make_tensor("w", TensorProto.FLOAT, [10, 1], weights.flatten()),
        helper.make_tensor("b", TensorProto.FLOAT, [1], [152.0]),
    ],
)
line = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(line)
backwards = Schema([ColSpec("double", name) for name in reversed(COLUMNS)])
with mlflow.start_run():
    logged = mlflow.onnx.log_model(line, name="model", signature=ModelSignature(backwards), registered_model_name="line")
mlflow.MlflowClient().set_registered_model_alias("line", "champion", logged.registered_model_version)


class Python(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[float]) -> list[float]:
        return model_input


with mlflow.start_run():
    mlflow.pyfunc.log_model(python_model=Python(), name="model", registered_model_name="python")
