# SPDX-License-Identifier: Apache-2.0
"""Breast cancer, five seeds x five folds: our training beside Keras's.

    python3 folds.py FIT_FOLDS breast_cancer.csv

Both sides get the same standardised rows, the same first weights (Keras's own)
and the same order of rows in every epoch: our program shuffles as a job does and
says how, Keras follows. So not only the accuracies can be compared, but every
epoch's loss. Prints a table and TAP. Runs in the interpreter that LICIT_PYTHON
names (tests/run makes one from tests/requirements.txt), else it is skipped.
"""
import csv
import json
import os
import struct
import subprocess
import sys
import tempfile
import time

SEEDS, FOLDS, EPOCHS, BATCH = 5, 5, 10, 32
LAYERS = [(128, "relu"), (64, "relu"), (1, "sigmoid")]
JOB = {
    "network": {"layers": [{"type": "dense", "units": units, "activation": name} for units, name in LAYERS]},
    "loss": "binary_crossentropy", "optimizer": {"type": "adam"}, "metrics": ["accuracy"],
    "epochs": EPOCHS, "batch_size": BATCH, "shuffle": True,
}
POINTS = 0.5  # that the mean accuracies may differ
LEARNT = 95  # percent: what both must reach, or agreement means nothing
CLOSE = 1e-4  # that any epoch's loss may differ


def skip(reason):
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


def move_to_keras():
    """Starts over in the interpreter that has it."""
    if "--here" in sys.argv:
        sys.argv.remove("--here")
        return
    if not os.environ.get("LICIT_PYTHON"):
        skip("LICIT_PYTHON names no interpreter with TensorFlow; tests/run makes one")
    os.execv(os.environ["LICIT_PYTHON"], [os.environ["LICIT_PYTHON"], os.path.abspath(__file__), "--here", *sys.argv[1:]])


move_to_keras()
os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="-1")
try:
    import keras
    import numpy as np
    import tensorflow as tf
except ModuleNotFoundError as error:
    skip(f"{os.environ.get('LICIT_PYTHON', sys.executable)}: {error}")


def read_tensors(path):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[8 + length:][slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"]) for name, entry in header.items()}


def write_tensors(path, tensors, metadata):
    header, at = {"__metadata__": metadata}, 0
    for name, value in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for value in tensors.values():
            file.write(np.ascontiguousarray(value, "<f4").tobytes())


def read_table(path):
    """Features as they are, and 1 for malignant."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return np.array([row[:-1] for row in rows], np.float64), np.array([row[-1] == "malignant" for row in rows], np.float32)


def deal(t, seed):
    """The fold of each row: every class is shuffled and dealt out in turn, one class after the other."""
    rng = np.random.default_rng(seed)
    shuffled = np.concatenate([rng.permutation(np.flatnonzero(t == kind)) for kind in (0, 1)])
    fold = np.empty(len(t), int)
    fold[shuffled] = np.arange(len(t)) % FOLDS
    return fold


def build(inputs, seed):
    """A network with Keras's own first weights (Glorot uniform, zeros)."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((inputs,)), *(keras.layers.Dense(units, activation=name) for units, name in LAYERS)])
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    return model


def make_folds(x, t):
    """The tensors of each fold, seed after seed. Standardised by the training rows alone."""
    folds = []
    for seed in range(SEEDS):
        fold = deal(t, seed)
        for k in range(FOLDS):
            train, test = fold != k, fold == k
            scaled = ((x - x[train].mean(0)) / x[train].std(0)).astype(np.float32)
            first = np.concatenate([w.ravel() for w in build(x.shape[1], 1000 + seed * FOLDS + k).get_weights()])
            folds.append({"train_x": scaled[train], "train_t": t[train], "test_x": scaled[test], "test_t": t[test], "parameters": first})
    return folds


def run_ours(program, folds):
    with tempfile.TemporaryDirectory() as where:
        into, out = os.path.join(where, "in"), os.path.join(where, "out")
        tensors = {f"{i}/{name}": value for i, fold in enumerate(folds) for name, value in fold.items()}
        write_tensors(into, tensors, {"job": json.dumps(JOB)})
        done = subprocess.run([program, into, out], stdout=subprocess.PIPE, text=True, check=True)
        return read_tensors(out), done.stdout.strip()


class Keras:
    """One model for all folds, so that TensorFlow traces its steps once; each fold starts from the state it was born in."""

    def __init__(self, inputs):
        self.model = build(inputs, 0)
        self.model.optimizer.build(self.model.trainable_variables)
        self.born = [v.numpy() for v in self.model.optimizer.variables]

    def start_over(self, parameters):
        for variable, value in zip(self.model.optimizer.variables, self.born):
            variable.assign(value)
        shapes = [w.shape for w in self.model.get_weights()]
        ends = np.cumsum([np.prod(shape) for shape in shapes])
        self.model.set_weights([part.reshape(shape) for part, shape in zip(np.split(parameters, ends[:-1]), shapes)])

    def train(self, fold, order):
        """One fit over all epochs, each in its order; (history, answers)."""
        self.start_over(fold["parameters"])
        x, t = tf.constant(fold["train_x"]), tf.constant(fold["train_t"][:, None])
        batches = tf.data.Dataset.from_tensor_slices(order.astype(np.int32)).flat_map(
            lambda rows: tf.data.Dataset.from_tensor_slices((tf.gather(x, rows), tf.gather(t, rows))).batch(BATCH))
        history = self.model.fit(
            batches, epochs=EPOCHS, steps_per_epoch=-(-len(fold["train_t"]) // BATCH), shuffle=False, verbose=0,
            validation_data=(fold["test_x"], fold["test_t"][:, None]), validation_batch_size=BATCH).history
        return history, self.model(fold["test_x"], training=False).numpy()


def is_shuffled(order):
    """Every row once in every epoch, and no two epochs alike."""
    rows = np.arange(order.shape[1])
    return all((np.sort(epoch) == rows).all() for epoch in order) and len({epoch.tobytes() for epoch in order}) == len(order)


def compare(folds, ours):
    """Per fold: the accuracy of both at the end, and the largest distance of an epoch's loss and of an answer."""
    keras_side, table = Keras(folds[0]["train_x"].shape[1]), []
    for i, fold in enumerate(folds):
        history, answers = keras_side.train(fold, ours[f"{i}/order"])
        loss = np.abs([ours[f"{i}/{key}"].ravel() - history[key] for key in ("loss", "val_loss")]).max()
        answer = np.abs(ours[f"{i}/answers"] - answers).max()
        table.append([100 * ours[f"{i}/val_accuracy"][-1, 0], 100 * history["val_accuracy"][-1], loss, answer])
    return np.array(table, np.float64)


class Tap:
    def __init__(self):
        self.count, self.good = 0, True

    def say(self, good, what):
        self.count += 1
        self.good = self.good and bool(good)
        print(f"{'ok' if good else 'not ok'} {self.count} - {what}")

    def finish(self):
        print(f"1..{self.count}")
        sys.exit(0 if self.good else 1)


def report(table, tap):
    """Every bound is written so that NaN fails it."""
    for seed in range(SEEDS):
        part = table[seed * FOLDS:(seed + 1) * FOLDS]
        tap.say((part[:, 2] <= CLOSE).all(), "seed %d: accuracy %.3f %%, Keras %.3f %%; epochs' losses at most %.1e apart, answers %.1e"
                % (seed, *part[:, :2].mean(0), *part[:, 2:].max(0)))
    mine, theirs = table[:, :2].mean(0)
    tap.say(abs(mine - theirs) <= POINTS, f"mean accuracy {mine:.3f} %, Keras {theirs:.3f} %, difference {abs(mine - theirs):.3f} points")
    tap.say(mine > LEARNT and theirs > LEARNT, f"both have learnt: over {LEARNT} %")


def main(program, path):
    tf.get_logger().setLevel("ERROR")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    folds = make_folds(*read_table(path))
    start = time.process_time()
    ours, library = run_ours(program, folds)
    table = compare(folds, ours)
    print(f"# Keras {keras.__version__}, TensorFlow {tf.__version__}; {library}")
    print(f"# {SEEDS} seeds x {FOLDS} folds of {EPOCHS} epochs; {time.process_time() - start:.0f} s of CPU for Keras")
    tap = Tap()
    tap.say(len(table) == SEEDS * FOLDS and all(is_shuffled(ours[f"{i}/order"]) for i in range(len(folds))),
            f"{len(table)} folds, every epoch shuffled anew")
    report(table, tap)
    tap.finish()


main(*sys.argv[1:])
