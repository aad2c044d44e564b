"""Writes models as ONNX (https://onnx.ai), in 64-bit floats and without a package of it.

What scikit-learn users train most is written here: linear models, trees, forests, boosted trees and small neural networks, behind scalers and in pipelines. Anything else goes
through `skl2onnx` or `torch.onnx` where the environment has them, and whoever exports by themselves returns the bytes.
"""

import numpy

DOUBLE, FLOAT, INT64, UINT8 = 11, 1, 7, 2
INPUT = "features"
"""The one input of each model that is written here: a row of 64-bit floats for each row of the table."""


class Unsupported(Exception):
    """A model that cannot be written. The message says what can be done."""


def to_onnx(model, data):
    """The bytes of a model, and a word for what it is."""
    if isinstance(model, dict) and "onnx" in model:
        return bytes(model["onnx"]) + about(data, model.get("labels"), model.get("output")), "onnx"
    if hasattr(model, "SerializeToString"):
        model = model.SerializeToString()
    if isinstance(model, (bytes, bytearray, memoryview)):
        return bytes(model) + about(data, None, None), "onnx"
    name = f"{type(model).__module__.split('.')[0]}.{type(model).__name__}"
    if is_torch(model):
        return by_torch(model, data) + about(data, None, None), name
    if not hasattr(model, "predict"):
        raise Unsupported(f"expected a model that can be written as ONNX (an estimator of scikit-learn, a module of torch, or the bytes of an ONNX model), found `{name}`")
    labels = labels_of(model)
    graph = Graph()
    try:
        last = estimator(graph, model, INPUT, list(data.features), data)
        return graph.model(last, data, labels), name
    except Unsupported as reason:
        # Messages of protocol buffers are joined by putting one after the other, and so the metadata needs no package.
        return by_skl2onnx(model, data, reason) + about(data, labels, None if labels is None else "probabilities"), name


def expected(model, data, most=1000):
    """What the model itself says of the first rows, as rows of floats: what is written must say the same. None of a model that is no estimator."""
    if not hasattr(model, "predict"):
        return None
    rows = data.X[:most]
    answer = model.predict_proba(rows) if hasattr(model, "classes_") else model.predict(rows)
    return numpy.asarray(answer, dtype="<f8").reshape(len(rows), -1)


# What stands beside a model.


def labels_of(model):
    """The classes of a classifier; None for a regression."""
    classes = getattr(model, "classes_", None)
    if classes is None:
        return None
    if isinstance(classes, list) or numpy.ndim(classes) != 1:
        raise Unsupported(f"expected a model with one output, found {type(model).__name__} with several")
    return classes.tolist()


def about(data, labels, output, unknown=None):
    """The metadata that sprag reads: the columns, the classes, the name of the tensor that holds the answer, and the codes of texts."""
    import json

    dtypes = {"f": "float", "i": "integer", "u": "integer", "b": "boolean"}
    inputs = [{"name": name, "dtype": dtypes.get(data.columns[name].dtype.kind, "text")} for name in data.features]
    outputs = [{"name": "prediction", "dtype": "float"}]
    found = {"sprag.signature": {"inputs": inputs, "outputs": outputs}}
    if labels is not None:
        kinds = {bool: "boolean", int: "integer", str: "text"}
        kind = kinds.get(type(labels[0]))
        if kind is None or any(type(label) is not type(labels[0]) for label in labels):
            raise Unsupported(f"expected classes that are all texts, whole numbers or booleans, found {labels[:3]}")
        texts = [str(label).lower() if kind == "boolean" else str(label) for label in labels]
        outputs[0]["dtype"] = kind
        outputs.extend({"name": f"probability:{text}", "dtype": "float"} for text in texts)
        found["sprag.labels"] = texts
    categories = {name: {"values": texts_of(data, name), "unknown": (unknown or {}).get(name, "zero")} for name in data.features if is_text(data, name)}
    if categories:
        found["sprag.categories"] = categories
    nullable = [name for name in data.features if has_gaps(data.columns[name])]
    if nullable:
        found["sprag.nullable"] = nullable
    if output is not None:
        found["sprag.output"] = json.dumps(output)[1:-1]
    encoded = {key: value if isinstance(value, str) else json.dumps(value) for key, value in found.items()}
    return b"".join(message(14, text(1, key) + text(2, value)) for key, value in encoded.items())


def is_text(data, name):
    return data.columns[name].dtype.kind == "O"


def has_gaps(column):
    if column.dtype.kind == "O":
        return any(value is None for value in column)
    return column.dtype.kind == "f" and bool(numpy.isnan(column).any())


def texts_of(data, name):
    """The texts of a column, in order: the place of each is the number that stands for it in the graph."""
    return sorted({value for value in data.columns[name] if value is not None})


# Other exporters.


def by_skl2onnx(model, data, reason):
    if any(is_text(data, name) for name in data.features):
        raise Unsupported(f"{reason}; `skl2onnx` takes over where all features are numbers")
    try:
        import skl2onnx
    except ImportError:
        raise Unsupported(f"{reason}; put `skl2onnx` into the environment's lock, or return the bytes of an ONNX model") from None
    from skl2onnx.common.data_types import DoubleTensorType

    options = {id(model): {"zipmap": False}} if hasattr(model, "classes_") else None
    kind = [(INPUT, DoubleTensorType([None, len(data.features)]))]
    return skl2onnx.convert_sklearn(model, initial_types=kind, options=options).SerializeToString()


def is_torch(model):
    import sys

    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def by_torch(model, data):
    import io

    import torch

    if any(is_text(data, name) for name in data.features):
        raise Unsupported("expected features that are numbers for a module of torch, found text")
    model = model.eval().to("cpu")
    kind = next((p.dtype for p in model.parameters()), torch.float32)
    rows = torch.zeros(2, len(data.features), dtype=kind)
    out = io.BytesIO()
    torch.onnx.export(model, (rows,), out, input_names=[INPUT], output_names=["prediction"], dynamic_axes={INPUT: {0: "rows"}, "prediction": {0: "rows"}}, dynamo=False)
    return out.getvalue()


# Estimators.

LINEAR = {
    "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "Lars", "LarsCV", "ElasticNet", "ElasticNetCV", "BayesianRidge",
    "ARDRegression", "HuberRegressor", "SGDRegressor", "LinearSVR", "TheilSenRegressor", "OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV", "QuantileRegressor",
}  # fmt: skip
LOGISTIC = {"LogisticRegression", "LogisticRegressionCV", "LinearDiscriminantAnalysis"}
FORESTS = {"RandomForestRegressor", "ExtraTreesRegressor", "RandomForestClassifier", "ExtraTreesClassifier"}
TREES = {"DecisionTreeRegressor", "ExtraTreeRegressor", "DecisionTreeClassifier", "ExtraTreeClassifier"}


def estimator(graph, model, source, names, data):
    """Adds what predicts from columns of these names, and gives the name of the tensor with the predictions or the probabilities."""
    name = type(model).__name__
    if not type(model).__module__.startswith("sklearn."):
        raise Unsupported(f"expected an estimator of scikit-learn, found `{type(model).__module__}.{name}`")
    if name == "Pipeline":
        for _, step in model.steps[:-1]:
            source, names = transformer(graph, step, source, names, data)
        return estimator(graph, model.steps[-1][1], source, names, data)
    if name in ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV"):
        return estimator(graph, model.best_estimator_, source, names, data)
    if any(name is not None and is_text(data, name) for name in names):
        raise Unsupported(f"expected text to be encoded before `{name}`, found columns of text")
    if name == "VotingRegressor":
        parts = [estimator(graph, part, source, names, data) for part in model.estimators_]
        weights = numpy.ones(len(parts)) if model._weights_not_none is None else numpy.asarray(model._weights_not_none, dtype=float)
        return graph.node("MatMul", graph.node("Concat", *parts, axis=1), graph.constant((weights / weights.sum()).reshape(-1, 1)))
    if name == "BaggingRegressor":
        parts = []
        for part, chosen in zip(model.estimators_, model.estimators_features_):
            places = [int(place) for place in chosen]
            parts.append(estimator(graph, part, graph.columns(source, places), [names[place] for place in places], data))
        return graph.node("Div", graph.node("Sum", *parts), graph.constant([float(len(parts))]))
    if name in ("SVR", "NuSVR"):
        return support_vectors(graph, model, source)
    if name in LINEAR:
        return graph.affine(source, numpy.reshape(model.coef_, (1, -1)).T, numpy.reshape(model.intercept_, -1))
    if name in LOGISTIC:
        return logistic(graph, model, source)
    if name in TREES:
        return forest(graph, model, [model], source)
    if name in FORESTS:
        return forest(graph, model, model.estimators_, source)
    if name in ("GradientBoostingRegressor", "GradientBoostingClassifier"):
        return boosted(graph, model, source)
    if name in ("HistGradientBoostingRegressor", "HistGradientBoostingClassifier"):
        return histogram_boosted(graph, model, source)
    if name in ("MLPRegressor", "MLPClassifier"):
        return perceptron(graph, model, source)
    raise Unsupported(f"expected an estimator that sprag writes as ONNX by itself, found `{name}`")


def transformer(graph, model, source, names, data):
    """Adds a step before the estimator, and gives the names of its columns: None for those that are no column of the table any more."""
    name = type(model).__name__
    if model is None or model == "passthrough":
        return source, names
    if name == "Pipeline":
        for _, step in model.steps:
            source, names = transformer(graph, step, source, names, data)
        return source, names
    if name == "ColumnTransformer":
        return columns(graph, model, source, names, data)
    if name == "FeatureUnion":
        return joined(graph, [transformer(graph, step, source, names, data) for _, step in model.transformer_list if step != "drop"])
    if name == "OneHotEncoder":
        return one_hot(graph, model, source, names, data)
    if name == "OrdinalEncoder":
        return ordinal(graph, model, source, names, data)
    if any(name is not None and is_text(data, name) for name in names):
        raise Unsupported(f"expected text to be encoded before `{name}`, found columns of text")
    if name == "StandardScaler":
        return graph.scaled(source, model.mean_ if model.with_mean else None, model.scale_ if model.with_std else None), names
    if name == "RobustScaler":
        return graph.scaled(source, model.center_ if model.with_centering else None, model.scale_ if model.with_scaling else None), names
    if name == "MaxAbsScaler":
        return graph.scaled(source, None, model.scale_), names
    if name == "MinMaxScaler" and not model.clip:
        return graph.node("Add", graph.node("Mul", source, graph.constant(model.scale_)), graph.constant(model.min_)), names
    if name == "SimpleImputer" and not model.add_indicator and is_nan(model.missing_values) and not numpy.isnan(model.statistics_.astype(float)).any():
        return graph.node("Where", graph.node("IsNaN", source), graph.constant(model.statistics_.astype(float)), source), names
    if name == "PCA":
        turned = graph.node("MatMul", graph.scaled(source, model.mean_, None), graph.constant(model.components_.T))
        turned = graph.scaled(turned, None, numpy.sqrt(model.explained_variance_)) if model.whiten else turned
        return turned, [None] * len(model.components_)
    if name == "PolynomialFeatures" and len(model.powers_) <= 2000:
        return powers(graph, model.powers_, source), [None] * len(model.powers_)
    raise Unsupported(f"expected a step that sprag writes as ONNX by itself, found `{name}`")


def is_nan(value):
    return isinstance(value, float) and value != value


def columns(graph, model, source, names, data):
    """The parts of a `ColumnTransformer`, side by side."""
    parts = []
    for _, step, chosen in model.transformers_:
        places = list(range(len(names)))[chosen] if isinstance(chosen, slice) else places_of(chosen, names)
        if places and not (isinstance(step, str) and step == "drop"):
            step = None if isinstance(step, str) else step
            parts.append(transformer(graph, step, graph.columns(source, places), [names[place] for place in places], data))
    return joined(graph, parts)


def joined(graph, parts):
    if len(parts) == 1:
        return parts[0]
    return graph.node("Concat", *(part for part, _ in parts), axis=1), [name for _, names in parts for name in names]


def places_of(chosen, names):
    chosen = numpy.atleast_1d(numpy.asarray(chosen, dtype=object)).tolist()
    if chosen and all(isinstance(c, (bool, numpy.bool_)) for c in chosen):
        return [place for place, is_in in enumerate(chosen) if is_in]
    return [names.index(c) if isinstance(c, str) else int(c) % len(names) for c in chosen]


def codes(categories, name, data):
    """The numbers that stand for categories in the graph."""
    if any(value is None or is_nan(value) for value in categories):
        raise Unsupported(f"expected categories that are values, found none among those of `{name}`; fill the gaps before the encoder")
    if name is not None and is_text(data, name):
        known = {value: float(code) for code, value in enumerate(texts_of(data, name))}
        # A category that the encoder was told of and the column does not have is never met.
        return [known.get(value, -2.0) for value in categories]
    return [float(value) for value in categories]


def one_hot(graph, model, source, names, data):
    if getattr(model, "_infrequent_enabled", False):
        raise Unsupported("expected one-hot columns for all categories, found an encoder that joins those that are rare")
    parts = []
    for place, categories in enumerate(model.categories_):
        name = names[place]
        equal = equals(graph, graph.columns(source, [place]), codes(categories, name, data))
        if model.handle_unknown == "error":
            if name is not None and is_text(data, name):
                graph.unknown[name] = "error"
            else:
                # Of an unknown number there is no answer: 0 by 0.
                equal = graph.node("Div", equal, graph.node("ReduceSum", equal, graph.constant([1], INT64), keepdims=1))
        dropped = None if model.drop_idx_ is None else model.drop_idx_[place]
        kept = [at for at in range(len(categories)) if at != dropped]
        parts.append((equal if len(kept) == len(categories) else graph.columns(equal, kept), [None] * len(kept)))
    return joined(graph, parts)


def ordinal(graph, model, source, names, data):
    if model.handle_unknown != "error":
        raise Unsupported("expected an ordinal encoder that refuses unknown categories, found one with a number for them")
    parts = []
    for place, categories in enumerate(model.categories_):
        name = names[place]
        equal = equals(graph, graph.columns(source, [place]), codes(categories, name, data))
        if name is not None and is_text(data, name):
            graph.unknown[name] = "error"
        parts.append((graph.node("MatMul", equal, graph.constant(numpy.arange(len(categories), dtype=float).reshape(-1, 1))), [None]))
    return joined(graph, parts)


def equals(graph, column, values):
    return graph.node("Cast", graph.node("Equal", column, graph.constant([values])), to=DOUBLE)


def powers(graph, exponents, source):
    parts = []
    for row in exponents:
        places = [place for place, power in enumerate(row) for _ in range(int(power))]
        if not places:
            parts.append(graph.node("Add", graph.node("Mul", graph.columns(source, [0]), graph.constant([0.0])), graph.constant([1.0])))
            continue
        product = graph.columns(source, [places[0]])
        for place in places[1:]:
            product = graph.node("Mul", product, graph.columns(source, [place]))
        parts.append(product)
    return graph.node("Concat", *parts, axis=1)


def support_vectors(graph, model, source):
    vectors, kernel = numpy.asarray(model.support_vectors_), model.kernel
    cross = graph.node("MatMul", source, graph.constant(vectors.T))
    if kernel == "rbf":
        own = graph.node("ReduceSum", graph.node("Mul", source, source), graph.constant([1], INT64), keepdims=1)
        twice = graph.node("Mul", cross, graph.constant([-2.0]))
        distance = graph.node("Add", graph.node("Add", own, twice), graph.constant([(vectors**2).sum(axis=1)]))
        kerned = graph.node("Exp", graph.node("Mul", distance, graph.constant([-model._gamma])))
    elif kernel == "linear":
        kerned = cross
    elif kernel in ("poly", "sigmoid"):
        kerned = graph.node("Add", graph.node("Mul", cross, graph.constant([model._gamma])), graph.constant([model.coef0]))
        kerned = graph.node("Tanh", kerned) if kernel == "sigmoid" else graph.node("Pow", kerned, graph.constant([float(model.degree)]))
    else:
        raise Unsupported(f"expected a kernel of scikit-learn's own, found `{kernel}`")
    return graph.affine(kerned, numpy.asarray(model.dual_coef_).T, model.intercept_)


def logistic(graph, model, source):
    scores = graph.affine(source, numpy.asarray(model.coef_).T, model.intercept_)
    is_multinomial = getattr(model, "multi_class", "deprecated") != "ovr"
    if not is_multinomial and len(model.classes_) > 2:
        raise Unsupported("expected one model for all classes, found `multi_class=\"ovr\"`")
    return graph.both(graph.sigmoid(scores)) if len(model.classes_) == 2 else graph.softmax(scores)


def perceptron(graph, model, source):
    functions = {"relu": "Relu", "tanh": "Tanh", "identity": None}
    for layer, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_)):
        source = graph.affine(source, weights, bias)
        if layer + 1 < len(model.coefs_):
            if model.activation == "logistic":
                source = graph.sigmoid(source)
            elif functions[model.activation]:
                source = graph.node(functions[model.activation], source)
    if not hasattr(model, "classes_"):
        return source
    if model.out_activation_ == "softmax":
        return graph.softmax(source)
    if len(model.classes_) != 2:
        raise Unsupported("expected one label a row, found a model that gives several")
    return graph.both(graph.sigmoid(source))


def forest(graph, model, trees, source):
    """Trees whose answers are averaged. scikit-learn rounds features to 32 bits before it compares, and so does this."""
    rounded = graph.node("Cast", graph.node("Cast", source, to=FLOAT), to=DOUBLE)
    classes = getattr(model, "classes_", None)
    count = 1 if classes is None else len(classes)
    if getattr(model, "n_outputs_", 1) != 1:
        raise Unsupported(f"expected a model with one output, found one with {model.n_outputs_}")
    ensemble = Ensemble()
    # Of two classes the share of the second says all; with more, each class has its own copy of the trees.
    targets = [0] if count == 1 else ([1] if count == 2 else list(range(count)))
    for target, value_of in enumerate(targets):
        for tree in trees:
            values = tree.tree_.value[:, 0, :]
            if classes is not None:
                values = values / values.sum(axis=1, keepdims=True)
            ensemble.add(*sklearn_tree(tree.tree_), values[:, value_of], target)
    summed = graph.trees(rounded, ensemble, len(targets))
    mean = graph.node("Div", summed, graph.constant([float(len(trees))])) if len(trees) > 1 else summed
    return graph.both(mean) if count == 2 else mean


def boosted(graph, model, source):
    if type(model.init_).__name__ not in ("DummyRegressor", "DummyClassifier") and model.init != "zero":
        raise Unsupported("expected boosted trees that start from a constant, found `init` with an estimator")
    rounded = graph.node("Cast", graph.node("Cast", source, to=FLOAT), to=DOUBLE)
    stages, targets = model.estimators_.shape
    ensemble = Ensemble()
    for stage in range(stages):
        for target in range(targets):
            tree = model.estimators_[stage, target].tree_
            ensemble.add(*sklearn_tree(tree), model.learning_rate * tree.value[:, 0, 0], target)
    start = numpy.asarray(model._raw_predict_init(numpy.zeros((1, model.n_features_in_), dtype=numpy.float32)), dtype=numpy.float64).reshape(-1)
    raw = graph.node("Add", graph.trees(rounded, ensemble, targets), graph.constant(start))
    if not hasattr(model, "classes_"):
        return raw
    if model.loss == "exponential":
        raw = graph.node("Mul", raw, graph.constant([2.0]))
    return graph.both(graph.sigmoid(raw)) if len(model.classes_) == 2 else graph.softmax(raw)


def histogram_boosted(graph, model, source):
    ensemble = Ensemble()
    targets = model.n_trees_per_iteration_
    for stage in model._predictors:
        for target, tree in enumerate(stage):
            nodes = tree.nodes
            if nodes["is_categorical"].any():
                raise Unsupported("expected boosted trees over numbers, found some over categories")
            ensemble.add(
                numpy.where(nodes["is_leaf"], -1, nodes["left"].astype(numpy.int64)), nodes["right"].astype(numpy.int64), nodes["feature_idx"], nodes["num_threshold"],
                nodes["missing_go_to_left"], nodes["value"], target,
            )  # fmt: skip
    raw = graph.node("Add", graph.trees(source, ensemble, targets), graph.constant(numpy.reshape(model._baseline_prediction, -1)))
    if not hasattr(model, "classes_"):
        return graph.node("Exp", raw) if model.loss in ("poisson", "gamma") else raw
    return graph.both(graph.sigmoid(raw)) if len(model.classes_) == 2 else graph.softmax(raw)


def sklearn_tree(tree):
    """Left and right child (-1 at a leaf), feature, threshold, and where a missing value goes, of each node."""
    missing = getattr(tree, "missing_go_to_left", None)
    missing = numpy.zeros(tree.node_count, dtype=numpy.uint8) if missing is None else missing
    return tree.children_left, tree.children_right, tree.feature, tree.threshold, missing


class Ensemble:
    """Trees as the operator `TreeEnsemble` of ai.onnx.ml 5 has them: inner nodes and leaves in lists of their own, children by place."""

    def __init__(self):
        self.roots, self.features, self.splits, self.missing = [], [], [], []
        self.true, self.true_is_leaf, self.false, self.false_is_leaf = [], [], [], []
        self.targets, self.weights = [], []

    def add(self, left, right, feature, threshold, missing, value, target):
        """Adds a tree that answers `value` at its leaves, for a column of the answer."""
        inner = numpy.flatnonzero(numpy.asarray(left) >= 0)
        if len(inner) == 0:
            # A tree of one leaf is a node that leads there either way.
            self.node(0, 0.0, 0, (self.leaf(value[0], target), 1), (len(self.weights) - 1, 1), is_root=True)
            return
        first = len(self.features)
        place = {int(node): first + at for at, node in enumerate(inner)}

        def child(node):
            node = int(node)
            return (place[node], 0) if node in place else (self.leaf(value[node], target), 1)

        for at, node in enumerate(inner):
            self.node(feature[node], threshold[node], missing[node], child(left[node]), child(right[node]), is_root=at == 0)

    def leaf(self, value, target):
        self.targets.append(target)
        self.weights.append(float(value))
        return len(self.weights) - 1

    def node(self, feature, split, missing, true, false, is_root):
        if is_root:
            self.roots.append(len(self.features))
        self.features.append(int(feature))
        self.splits.append(float(split))
        self.missing.append(int(missing))
        self.true.append(true[0])
        self.true_is_leaf.append(true[1])
        self.false.append(false[0])
        self.false_is_leaf.append(false[1])


# The graph.


class Graph:
    """A model that is being written."""

    def __init__(self):
        self.nodes, self.initializers, self.count, self.has_trees = [], [], 0, False
        self.unknown = {}
        """What is done with a text that no category has, by column, where an encoder says so."""

    def name(self):
        self.count += 1
        return f"t{self.count}"

    def node(self, operator, *inputs, domain="", **attributes):
        """Adds a node, and gives the name of its output."""
        output = self.name()
        body = b"".join(text(1, name) for name in inputs) + text(2, output) + text(3, f"{operator.lower()}_{output}") + text(4, operator)
        body += b"".join(attribute(key, value) for key, value in attributes.items()) + (text(7, domain) if domain else b"")
        self.nodes.append(body)
        return output

    def constant(self, values, kind=DOUBLE):
        name = self.name()
        self.initializers.append(tensor(values, kind, name))
        return name

    def columns(self, source, places):
        return self.node("Gather", source, self.constant(places, INT64), axis=1)

    def affine(self, source, weights, bias):
        return self.node("Add", self.node("MatMul", source, self.constant(weights)), self.constant(bias))

    def scaled(self, source, shift, scale):
        source = source if shift is None else self.node("Sub", source, self.constant(shift))
        return source if scale is None else self.node("Div", source, self.constant(scale))

    def sigmoid(self, source):
        one = self.constant([1.0])
        return self.node("Div", one, self.node("Add", one, self.node("Exp", self.node("Neg", source))))

    def softmax(self, source):
        shifted = self.node("Exp", self.node("Sub", source, self.node("ReduceMax", source, axes=[1], keepdims=1)))
        return self.node("Div", shifted, self.node("ReduceSum", shifted, self.constant([1], INT64), keepdims=1))

    def both(self, second):
        """The probabilities of two classes, from that of the second."""
        return self.node("Concat", self.node("Sub", self.constant([1.0]), second), second, axis=1)

    def trees(self, source, trees, targets):
        self.has_trees = True
        return self.node(
            "TreeEnsemble", source, domain="ai.onnx.ml", aggregate_function=1, n_targets=targets, post_transform=0, tree_roots=trees.roots,
            nodes_featureids=trees.features, nodes_splits=tensor(trees.splits, DOUBLE, "splits"), nodes_modes=tensor([0] * len(trees.features), UINT8, "modes"),
            nodes_missing_value_tracks_true=trees.missing, nodes_truenodeids=trees.true, nodes_trueleafs=trees.true_is_leaf, nodes_falsenodeids=trees.false,
            nodes_falseleafs=trees.false_is_leaf, leaf_targetids=trees.targets, leaf_weights=tensor(trees.weights, DOUBLE, "weights"),
        )  # fmt: skip

    def model(self, last, data, labels):
        """The whole model, with its answer in a tensor of a name that says what it is."""
        output = "prediction" if labels is None else "probabilities"
        self.nodes.append(text(1, last) + text(2, output) + text(3, "answer") + text(4, "Identity"))
        width = 1 if labels is None else len(labels)
        graph = b"".join(message(1, node) for node in self.nodes) + text(2, "model") + b"".join(message(5, i) for i in self.initializers)
        graph += message(11, value_info(INPUT, len(data.features))) + message(12, value_info(output, width))
        # Version 5 of the operators for machine learning came with version 10 of the format (ONNX 1.16).
        versions = [("", 17)] + ([("ai.onnx.ml", 5)] if self.has_trees else [])
        sets = b"".join(message(8, text(1, domain) + number(2, version)) for domain, version in versions)
        return number(1, 10 if self.has_trees else 8) + text(2, "sprag train-python") + message(7, graph) + sets + about(data, labels, output, self.unknown)


# Protocol buffers (https://protobuf.dev/programming-guides/encoding/), as far as onnx.proto needs them.


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(int(value))


def message(field, body):
    return varint(field << 3 | 2) + varint(len(body)) + body


def text(field, value):
    return message(field, value.encode())


class Tensor(bytes):
    """A tensor, to tell it from a text among attributes."""


def tensor(values, kind, name):
    types = {DOUBLE: "<f8", INT64: "<i8", UINT8: "|u1", FLOAT: "<f4"}
    array = numpy.ascontiguousarray(values, dtype=types[kind])
    return Tensor(b"".join(number(1, n) for n in array.shape) + number(2, kind) + text(8, name) + message(9, array.tobytes()))


def attribute(name, value):
    body = text(1, name)
    if isinstance(value, Tensor):
        return message(5, body + message(5, value) + number(20, 4))
    if isinstance(value, int):
        return message(5, body + number(3, value) + number(20, 2))
    packed = b"".join(number(8, item) for item in value)
    return message(5, body + packed + number(20, 7))


def value_info(name, width):
    shape = message(1, text(2, "rows")) + message(1, number(1, width))
    return text(1, name) + message(2, message(1, number(1, DOUBLE) + message(2, shape)))
