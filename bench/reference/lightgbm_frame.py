"""LightGBM on a training frame: the reference that `onhand-models` is measured against.

Trains on one frame, stops early or not on a second, scores a third, and prints one JSON line: seconds, peak memory,
rounds, and the numbers of `onhand evaluate availability`, whose `--reference` takes the line. `README.md` beside this file says how to run it and what a frame is.
"""

import argparse
import json
import resource
import time

import lightgbm
import numpy
from sklearn import metrics


# Columns of `onhand features frame` that say whose row it is.
ABOUT = ["location", "sku", "at", "target"]


def read(path, label):
    """Features as a matrix of float32 (rows by features), labels, names."""
    if path.endswith(".parquet"):
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path)
        names = [name for name in table.column_names if name != label and name not in ABOUT]
        columns = [table[name].to_numpy().astype(numpy.float32) for name in names]
        matrix, labels = numpy.stack(columns, axis=1), table[label].to_numpy().astype(numpy.float32)
        is_known = ~numpy.isnan(labels)
        return matrix[is_known], labels[is_known], names
    with open(path, "rb") as file:
        head = json.loads(file.readline())
        values = numpy.fromfile(file, dtype="<f4").reshape(len(head["features"]) + 1, head["rows"])
    return numpy.ascontiguousarray(values[:-1].T), values[-1].copy(), head["features"]


def write_columns(path, out, label):
    """The frame as a file of columns, which the crate's examples read."""
    matrix, labels, names = read(path, label)
    with open(out, "wb") as file:
        file.write((json.dumps({"rows": len(labels), "features": names}) + "\n").encode())
        numpy.ascontiguousarray(matrix.T).astype("<f4").tofile(file)
        labels.astype("<f4").tofile(file)


def train(options):
    started = time.perf_counter()
    matrix, labels, names = read(options.train, options.label)
    read_in = time.perf_counter() - started

    parameters = {
        "objective": "binary",
        "num_leaves": options.leaves,
        "learning_rate": options.learning_rate,
        "min_data_in_leaf": options.min_rows,
        "max_bin": options.bins,
        "num_threads": options.threads,
        "lambda_l2": options.l2,
        "feature_fraction": options.feature_fraction,
        "use_quantized_grad": options.quantized,
        "seed": options.seed,
        "verbose": -1,
    }
    started = time.perf_counter()
    data = lightgbm.Dataset(matrix, labels, feature_name=names, params=parameters).construct()
    binned = time.perf_counter() - started

    valid, callbacks = [], []
    if options.valid:
        valid_matrix, valid_labels, _ = read(options.valid, options.label)
        valid = [lightgbm.Dataset(valid_matrix, valid_labels, reference=data, params=parameters)]
        callbacks = [lightgbm.early_stopping(options.patience, verbose=False)]
    started = time.perf_counter()
    model = lightgbm.train(parameters, data, options.rounds, valid_sets=valid, callbacks=callbacks)
    trained = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    result = {
        "what": "lightgbm " + lightgbm.__version__ + (" quantized" if options.quantized else ""),
        "train_rows": len(labels),
        "features": len(names),
        "threads": options.threads,
        "rounds": model.best_iteration or model.current_iteration(),
        "read_s": round(read_in, 2),
        "bin_s": round(binned, 2),
        "train_s": round(trained, 2),
        "peak_mb": round(peak),
    }
    if options.test:
        matrix, labels, found = read(options.test, options.label)
        places = [found.index(name) for name in names]
        result.update(score(model, matrix[:, places], labels))
    print(json.dumps(result))


def score(model, matrix, labels):
    """The numbers of `onhand evaluate availability`, by the same definitions. It is asked on one thread."""
    started = time.perf_counter()
    probability = model.predict(matrix, num_threads=1)
    took = time.perf_counter() - started
    base = float(labels.mean())
    predicted, happened, weight = bins(probability, labels, 15)
    brier = float(numpy.mean((probability - labels) ** 2))
    reliability = float(numpy.sum(weight * (predicted - happened) ** 2))
    resolution = float(numpy.sum(weight * (happened - base) ** 2))
    uncertainty = base * (1 - base)
    loss = float(log_loss(labels, probability))
    slope, shift = line(labels, probability)
    hard = labels >= 0.5
    return {
        "predict_us_a_row_and_core": round(took / len(labels) * 1e6, 3),
        "stores": "all",
        "rows": len(labels),
        "base_rate": base,
        "pr_auc": float(metrics.average_precision_score(hard, probability)),
        "roc_auc": float(metrics.roc_auc_score(hard, probability)),
        "log_loss": loss,
        "skill": 1 - loss / float(log_loss(labels, numpy.full(len(labels), base))),
        "brier": {
            "score": brier,
            "reliability": reliability,
            "resolution": resolution,
            "uncertainty": uncertainty,
            "within": brier - (reliability - resolution + uncertainty),
        },
        "ece": float(numpy.sum(weight * numpy.abs(predicted - happened))),
        "slope": slope,
        "shift": shift,
    }


def log_loss(labels, probability):
    probability = numpy.clip(probability, 1e-15, 1 - 1e-15)
    return -numpy.mean(labels * numpy.log(probability) + (1 - labels) * numpy.log1p(-probability))


def bins(probability, labels, count):
    """Bins of equal mass: what was said, what happened, the share of the rows."""
    order = numpy.argsort(probability, kind="stable")
    parts = numpy.array_split(order, count)
    predicted = numpy.array([probability[part].mean() for part in parts])
    happened = numpy.array([labels[part].mean() for part in parts])
    return predicted, happened, numpy.array([len(part) / len(labels) for part in parts])


def line(labels, probability):
    """The calibration line through the log odds (Newton): its slope, and the shift at a slope of 1."""
    odds = numpy.log(numpy.clip(probability, 1e-12, 1 - 1e-12) / numpy.clip(1 - probability, 1e-12, 1))

    def fit(terms, weights, fixed):
        for _ in range(25):
            told = 1 / (1 + numpy.exp(-(fixed + terms @ weights)))
            slope = terms.T @ (labels - told)
            curve = (terms * (told * (1 - told))[:, None]).T @ terms
            weights = weights + numpy.linalg.solve(curve, slope)
        return weights

    ones = numpy.ones((len(odds), 1))
    free = fit(numpy.column_stack([odds, ones]), numpy.array([1.0, 0.0]), 0.0)
    held = fit(ones, numpy.array([0.0]), odds)
    return float(free[0]), float(held[0])


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", help="frame to train on: .parquet, or a file of columns")
    parser.add_argument("--valid", help="frame to stop early on")
    parser.add_argument("--test", help="frame to score")
    parser.add_argument("--label", default="label", help="name of the label's column in a Parquet file")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--leaves", type=int, default=127)
    parser.add_argument("--bins", type=int, default=255)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--min-rows", type=int, default=20)
    parser.add_argument("--l2", type=float, default=0.0)
    parser.add_argument("--feature-fraction", type=float, default=1.0)
    parser.add_argument("--patience", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--quantized", action="store_true", help="LightGBM's own quantized training")
    parser.add_argument("--columns", metavar="PATH", help="only write the frame as a file of columns")
    return parser.parse_args()


if __name__ == "__main__":
    chosen = options()
    if chosen.columns:
        write_columns(chosen.train, chosen.columns, chosen.label)
    else:
        train(chosen)
