#!/usr/bin/env python3
"""Writes small ONNX models with what onnxruntime answers for them, to hold another evaluator against.

    onnx_operators.py FOLDER

For each case it writes NAME.onnx, NAME.features and NAME.answer: numbers of 64 bits, little-endian, row after row, with three features a row. Prints a line for each:
the name, the rows, the numbers in a row of the answer. A case is one operator, or a few where one alone is no model of a table. Needs `numpy`, `onnx` and `onnxruntime`.
"""

import sys
from pathlib import Path

import numpy
import onnxruntime
from onnx import TensorProto, checker, helper, numpy_helper

ROWS, WIDTH = 7, 3
FLOAT, DOUBLE, INT64, BOOL = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.BOOL


class Case:
    """A graph that is being made: operators over `x`, the rows of features."""

    def __init__(self, kind=FLOAT):
        self.kind, self.nodes, self.constants, self.count, self.learned = kind, [], [], 0, 0

    def __call__(self, operator, *inputs, domain="", outputs=1, **attributes):
        self.count += 1
        names = [f"v{self.count}_{at}" for at in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def ml(self, operator, *inputs, outputs=1, version=3, **attributes):
        self.learned = max(self.learned, version)
        return self(operator, *inputs, domain="ai.onnx.ml", outputs=outputs, **attributes)

    def constant(self, values, kind=None):
        self.count += 1
        array = numpy.asarray(values, dtype=helper.tensor_dtype_to_np_dtype(kind or self.kind))
        self.constants.append(numpy_helper.from_array(array, f"c{self.count}"))
        return f"c{self.count}"

    def model(self, answer, version):
        given = helper.make_tensor_value_info("x", self.kind, ["rows", WIDTH])
        answered = helper.make_tensor_value_info("answer", DOUBLE, [None, None])
        nodes = [*self.nodes, helper.make_node("Cast", [answer], ["answer"], to=DOUBLE)]
        sets = [helper.make_opsetid("", version)] + ([helper.make_opsetid("ai.onnx.ml", self.learned)] if self.learned else [])
        graph = helper.make_graph(nodes, "case", [given], [answered], self.constants)
        return helper.make_model(graph, opset_imports=sets, ir_version=10)


CASES = {}


def case(kind=FLOAT, version=17):
    def keep(make):
        CASES[make.__name__] = (make, kind, version)
        return make

    return keep


def simple(name, make, kind=FLOAT, version=17):
    CASES[name] = (make, kind, version)


UNARY = "Abs Neg Ceil Floor Round Sign Exp Sigmoid Tanh Relu Softplus Softsign Reciprocal Identity".split()
for _name in UNARY:
    simple(_name.lower(), lambda g, name=_name: g(name, "x"))
for _name in ("Abs", "Neg", "Exp", "Sigmoid", "Tanh", "Relu", "Sqrt", "Log"):
    simple(f"{_name.lower()}_double", lambda g, name=_name: g(name, "x"), DOUBLE)
simple("sqrt", lambda g: g("Sqrt", g("Abs", "x")))
simple("log", lambda g: g("Log", g("Abs", "x")))
simple("elu", lambda g: g("Elu", "x", alpha=0.7))
simple("selu", lambda g: g("Selu", "x"))
simple("leaky_relu", lambda g: g("LeakyRelu", "x", alpha=0.2))
simple("hard_sigmoid", lambda g: g("HardSigmoid", "x", alpha=0.3, beta=0.4))
simple("clip", lambda g: g("Clip", "x", g.constant(-0.5), g.constant(0.75)))
simple("clip_one_side", lambda g: g("Clip", "x", "", g.constant(0.1)))
simple("round_half", lambda g: g("Round", g("Mul", g("Floor", g("Mul", "x", g.constant(4.0))), g.constant(0.5))))
for _name in ("Add", "Sub", "Mul", "Div", "Pow"):
    simple(_name.lower(), lambda g, name=_name: g(name, g("Abs", "x"), g.constant([[1.5, 2.0, -0.5]])))
    simple(f"{_name.lower()}_broadcast", lambda g, name=_name: g(name, g.constant([2.0]), "x"), DOUBLE)
for _name in ("Sum", "Mean", "Max", "Min"):
    simple(_name.lower(), lambda g, name=_name: g(name, "x", g.constant([0.25]), g.constant([[0.5, -0.5, 0.0]])))
for _name in ("Less", "LessOrEqual", "Greater", "GreaterOrEqual"):
    simple(_name.lower(), lambda g, name=_name: g(name, "x", g.constant([0.0])))
simple("equal", lambda g: g("Equal", g("Round", "x"), g.constant([0.0])))
for _name in ("And", "Or", "Xor"):
    simple(_name.lower(), lambda g, name=_name: g(name, g("Less", "x", g.constant([0.4])), g("Greater", "x", g.constant([-0.4]))))
simple("not", lambda g: g("Not", g("Less", "x", g.constant([0.0]))))
simple("where", lambda g: g("Where", g("Less", "x", g.constant([0.0])), g.constant([[1.0, 2.0, 3.0]]), "x"))
simple("is_nan", lambda g: g("IsNaN", g("Log", "x")))
simple("is_inf", lambda g: g("IsInf", g("Div", "x", g.constant([0.0])), detect_negative=0))
simple("matmul", lambda g: g("MatMul", "x", g.constant([[1.0, 2.0], [0.5, -1.0], [3.0, 0.1]])), DOUBLE)
simple("matmul_vector", lambda g: g("MatMul", "x", g.constant([1.0, -2.0, 0.5])))
simple("gemm", lambda g: g("Gemm", "x", g.constant([[1.0, 2.0, 3.0], [0.5, -1.0, 0.25]]), g.constant([0.1, 0.2]), transB=1, alpha=0.5, beta=2.0))
for _name in ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSumSquare", "ReduceLogSumExp"):
    simple(_name.lower(), lambda g, name=_name: g(name, "x", axes=[1], keepdims=1))
    simple(f"{_name.lower()}_flat", lambda g, name=_name: g(name, "x", axes=[-1], keepdims=0))
    simple(f"{_name.lower()}_18", lambda g, name=_name: g(name, "x", g.constant([1], INT64), keepdims=1), version=18)
simple("reduce_sum", lambda g: g("ReduceSum", "x", g.constant([1], INT64), keepdims=0))
for _name in ("ArgMax", "ArgMin"):
    simple(_name.lower(), lambda g, name=_name: g(name, "x", axis=1, keepdims=1))
    simple(f"{_name.lower()}_flat", lambda g, name=_name: g(name, "x", axis=-1, keepdims=0))
    simple(f"{_name.lower()}_last", lambda g, name=_name: g(name, g("Round", "x"), axis=1, keepdims=1, select_last_index=1))
simple("softmax", lambda g: g("Softmax", "x", axis=1))
simple("log_softmax", lambda g: g("LogSoftmax", "x", axis=-1))
simple("cast_whole", lambda g: g("Cast", g("Mul", "x", g.constant([10.0])), to=INT64))
simple("cast_bool", lambda g: g("Cast", g("Round", "x"), to=BOOL))
simple("cast_float", lambda g: g("Cast", "x", to=FLOAT), DOUBLE)
simple("concat", lambda g: g("Concat", "x", g("Neg", "x"), axis=1))
simple("gather", lambda g: g("Gather", "x", g.constant([2, 0, -1], INT64), axis=1))
simple("gather_scalar", lambda g: g("Gather", "x", g.constant(1, INT64), axis=1))
simple("slice", lambda g: g("Slice", "x", g.constant([1], INT64), g.constant([9], INT64), g.constant([1], INT64)))
simple("slice_back", lambda g: g("Slice", "x", g.constant([-1], INT64), g.constant([-9], INT64), g.constant([1], INT64), g.constant([-2], INT64)))
simple("reshape", lambda g: g("Reshape", g("Transpose", g("Reshape", "x", g.constant([0, 3, 1], INT64)), perm=[0, 2, 1]), g.constant([-1, 3], INT64)))
simple("squeeze", lambda g: g("Squeeze", g("Unsqueeze", "x", g.constant([1], INT64)), g.constant([1], INT64)))
simple("unsqueeze_old", lambda g: g("Squeeze", g("Unsqueeze", "x", axes=[2]), axes=[2]), version=11)
simple("flatten", lambda g: g("Flatten", g("Unsqueeze", "x", g.constant([1], INT64)), axis=1))
simple("transpose", lambda g: g("Transpose", g("Transpose", "x")))
simple("shape", lambda g: g("Mul", "x", g("Cast", g("Gather", g("Shape", "x"), g.constant(1, INT64), axis=0), to=FLOAT)))
simple("expand", lambda g: g("Expand", g("ReduceMean", "x", axes=[1], keepdims=1), g("Shape", "x")))
simple("dropout", lambda g: g("Dropout", "x"))
simple("batch_norm", lambda g: g("BatchNormalization", "x", *(g.constant(c) for c in ([1.0, 2.0, 0.5], [0.1, 0.0, -0.1], [0.2, -0.3, 0.0], [1.5, 0.5, 2.0])), epsilon=1e-3))
simple("scaler", lambda g: g.ml("Scaler", "x", offset=[0.1, 0.2, 0.3], scale=[2.0, 0.5, 1.0], version=1))
simple("imputer", lambda g: g.ml("Imputer", g("Log", "x"), imputed_value_floats=[7.0, 8.0, 9.0], replaced_value_float=float("nan"), version=1))
simple("binarizer", lambda g: g.ml("Binarizer", "x", threshold=0.25, version=1))
for _norm in ("MAX", "L1", "L2"):
    simple(f"normalizer_{_norm.lower()}", lambda g, norm=_norm: g.ml("Normalizer", "x", norm=norm, version=1))
simple("feature_vectorizer", lambda g: g.ml("FeatureVectorizer", "x", g("Neg", "x"), inputdimensions=[3, 3], version=1))
simple("array_feature_extractor", lambda g: g.ml("ArrayFeatureExtractor", "x", g.constant([2, 0], INT64), version=1))
simple("linear_regressor", lambda g: g.ml("LinearRegressor", "x", coefficients=[1.0, -0.5, 0.25, 0.0, 2.0, 1.0], intercepts=[0.5, -1.0], targets=2, version=1))
for _post in ("NONE", "LOGISTIC", "SOFTMAX"):
    simple(
        f"linear_classifier_{_post.lower()}",
        lambda g, post=_post: g.ml("LinearClassifier", "x", outputs=2, coefficients=[1.0, -0.5, 0.25, 0.0, 2.0, 1.0, -1.0, 0.3, 0.2], intercepts=[0.5, -1.0, 0.1],
                                   classlabels_ints=[0, 1, 2], post_transform=post, multi_class=1, version=1)[1],
    )  # fmt: skip

TREE = {
    "nodes_treeids": [0, 0, 0, 0, 0, 1, 1, 1],
    "nodes_nodeids": [0, 1, 2, 3, 4, 0, 1, 2],
    "nodes_featureids": [0, 2, 0, 0, 0, 1, 0, 0],
    "nodes_values": [0.1, -0.2, 0.0, 0.0, 0.0, 0.3, 0.0, 0.0],
    "nodes_truenodeids": [1, 3, 0, 0, 0, 1, 0, 0],
    "nodes_falsenodeids": [2, 4, 0, 0, 0, 2, 0, 0],
    "nodes_missing_value_tracks_true": [1, 0, 0, 0, 0, 0, 0, 0],
}
for _mode in ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"):
    for _sum in ("SUM", "AVERAGE", "MIN", "MAX") if _mode == "BRANCH_LEQ" else ("SUM",):
        simple(
            f"tree_{_mode.lower()}_{_sum.lower()}",
            lambda g, mode=_mode, how=_sum: g.ml(
                "TreeEnsembleRegressor", "x", nodes_modes=[mode, mode, "LEAF", "LEAF", "LEAF", mode, "LEAF", "LEAF"], n_targets=2, aggregate_function=how,
                target_treeids=[0] * 6 + [1] * 4, target_nodeids=[2, 2, 3, 3, 4, 4, 1, 1, 2, 2], target_ids=[0, 1] * 5,
                target_weights=[1.0, 0.5, 2.0, -1.5, 4.0, 0.0, 8.0, 0.75, -3.0, 2.5],
                base_values=[0.25, 0.5], **TREE),
        )  # fmt: skip
simple(
    "tree_missing",
    lambda g: g.ml(
        "TreeEnsembleRegressor", g("Log", "x"), nodes_modes=["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"], n_targets=1,
        target_treeids=[0, 0, 0, 1, 1], target_nodeids=[2, 3, 4, 1, 2], target_ids=[0] * 5, target_weights=[1.0, 2.0, 4.0, 8.0, -3.0], **TREE),
)  # fmt: skip
for _post in ("NONE", "LOGISTIC", "SOFTMAX"):
    simple(
        f"tree_classifier_{_post.lower()}",
        lambda g, post=_post: g.ml(
            "TreeEnsembleClassifier", "x", outputs=2, nodes_modes=["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"],
            classlabels_int64s=[0, 1, 2], class_treeids=[0, 0, 0, 1, 1], class_nodeids=[2, 3, 4, 1, 2], class_ids=[0, 1, 2, 1, 2],
            class_weights=[1.0, 2.0, 4.0, 0.5, -3.0], post_transform=post, **TREE)[1],
    )  # fmt: skip


def main():
    folder = Path(sys.argv[1])
    features = numpy.random.default_rng(3).normal(size=(ROWS, WIDTH)).round(3)
    features[0] = [0.0, -0.0, 0.5]
    for name, (make, kind, version) in CASES.items():
        graph = Case(kind)
        model = graph.model(make(graph), version)
        checker.check_model(model)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        given = features.astype(helper.tensor_dtype_to_np_dtype(kind))
        try:
            session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
            answer = session.run(["answer"], {"x": given})[0]
        except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented as error:
            print(f"left out: {name}: {error}", file=sys.stderr)
            continue
        answer = answer.reshape(ROWS, -1)
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
        (folder / f"{name}.features").write_bytes(given.astype("<f8").tobytes())
        (folder / f"{name}.answer").write_bytes(answer.astype("<f8").tobytes())
        print(name, ROWS, answer.shape[1], "float" if kind == FLOAT else "double")


if __name__ == "__main__":
    main()
