"""LightGBM on a training frame: the reference that `onhand-models` is measured against.

Trains on one frame, stops early or not on a second, scores a third, and prints one JSON line: seconds, peak memory,
rounds, log loss, PR-AUC, ROC-AUC, Brier. `README.md` beside this file says how to run it and what a frame is.
"""

import argparse
import json
import resource
import time

import lightgbm
import numpy
from sklearn import metrics


def read(path, label):
    """Features as a matrix of float32 (rows by features), labels, names."""
    if path.endswith(".parquet"):
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path)
        names = [name for name in table.column_names if name != label]
        columns = [table[name].to_numpy().astype(numpy.float32) for name in names]
        return numpy.stack(columns, axis=1), table[label].to_numpy().astype(numpy.float32), names
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
        "rows": len(labels),
        "features": len(names),
        "threads": options.threads,
        "rounds": model.best_iteration or model.current_iteration(),
        "read_s": round(read_in, 2),
        "bin_s": round(binned, 2),
        "train_s": round(trained, 2),
        "peak_mb": round(peak),
    }
    if options.test:
        result.update(score(model, *read(options.test, options.label)[:2]))
    print(json.dumps(result))


def score(model, matrix, labels):
    started = time.perf_counter()
    probability = model.predict(matrix)
    took = time.perf_counter() - started
    return {
        "predict_us_a_row": round(took / len(labels) * 1e6, 3),
        "base_rate": round(float(labels.mean()), 5),
        "log_loss": round(metrics.log_loss(labels, probability), 5),
        "pr_auc": round(metrics.average_precision_score(labels, probability), 5),
        "roc_auc": round(metrics.roc_auc_score(labels, probability), 5),
        "brier": round(metrics.brier_score_loss(labels, probability), 5),
    }


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
