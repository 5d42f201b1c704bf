#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes goldens.safetensors: what Keras computes, for tests/core/nn/test_keras.c.

    python3 -m venv v && v/bin/pip install tensorflow-cpu && v/bin/python make_goldens.py

Inputs, targets and first weights are not stored: both sides take them from the
same formula (number() here, ref_number() in tests/support/ref.c).

Every case is a network of dense layers and a loss. Stored: the answers, the
loss and the gradient (flat, all tensors in order) of the first batch, and the
parameters after ten steps (ten batches, in order) with each optimizer.
The metadata has one line per case and one per training, as test_keras.c reads them.
"""
import json
import os
import struct

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

import keras
import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
STREAM_TEST = 4  # RNG_TEST
BATCH, STEPS = 6, 10
SEQUENCE_X, SEQUENCE_T, SEQUENCE_W = 101, 102, 103


def number(sequence, count):
    """Elements 0 .. count-1 of a sequence, in [-1, 1): 24 bits of Philox4x32-10."""
    mask = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    c0 = np.arange(count, dtype=np.uint64)
    c1 = np.zeros(count, np.uint64)
    c2 = np.zeros(count, np.uint64)
    c3 = np.full(count, STREAM_TEST, np.uint64)
    k0, k1 = sequence & 0xFFFFFFFF, sequence >> 32
    for _ in range(10):
        p0 = np.uint64(0xD2511F53) * c0
        p1 = np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (
            (p1 >> shift) ^ c1 ^ np.uint64(k0),
            p1 & mask,
            (p0 >> shift) ^ c3 ^ np.uint64(k1),
            p0 & mask,
        )
        k0 = (k0 + 0x9E3779B9) & 0xFFFFFFFF
        k1 = (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return (c1 >> np.uint64(8)).astype(np.float64) * 2.0**-23 - 1.0


def half_mean_squared_error(t, y):
    return 0.5 * keras.losses.mean_squared_error(t, y)


LOSSES = {
    "binary_crossentropy": keras.losses.BinaryCrossentropy,
    "categorical_crossentropy": keras.losses.CategoricalCrossentropy,
    "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy,
    "mean_squared_error": keras.losses.MeanSquaredError,
}


def loss_of(name):
    return half_mean_squared_error if name.startswith("half") else LOSSES[name]()


def answers(model, x):
    """The model's answers without the logits that Keras 3 ties to them: behind a loss of the other kind it
    would take a softmax's logits for a sigmoid's, or the other way round. Where the kinds fit, logits and
    probabilities give the same loss."""
    return tf.identity(model(x))


def targets(loss, outputs, rows):
    """The formula of test_keras.c: make_targets()."""
    u = number(SEQUENCE_T, rows * outputs).reshape(rows, outputs)
    if loss == "binary_crossentropy":
        return (u > 0).astype(np.float32)
    if loss == "sparse_categorical_crossentropy":
        return u.argmax(1).astype(np.float32).reshape(rows, 1)
    if loss == "categorical_crossentropy":
        return np.eye(outputs, dtype=np.float32)[u.argmax(1)]
    return u.astype(np.float32)


def build(inputs, layers):
    model = keras.Sequential([keras.Input((inputs,))])
    for layer in layers:
        model.add(keras.layers.Dense(layer["units"], activation=layer.get("activation", "linear"), use_bias=layer.get("use_bias", True)))
    return model


def first_weights(model):
    """One sequence over all parameters in order; kernels of n inputs are scaled by sqrt(1.5 / n), biases by 0.1."""
    flat = number(SEQUENCE_W, model.count_params())
    out, at = [], 0
    for w in model.get_weights():
        scale = np.float32(np.sqrt(1.5 / w.shape[0])) if w.ndim == 2 else np.float32(0.1)
        out.append((flat[at : at + w.size].astype(np.float32) * scale).reshape(w.shape))
        at += w.size
    return out


def flat(arrays):
    return np.concatenate([np.asarray(a, np.float32).ravel() for a in arrays])


OPTIMIZERS = {
    "adam": ({"type": "adam"}, lambda **k: keras.optimizers.Adam(**k)),
    "sgd": ({"type": "sgd"}, lambda **k: keras.optimizers.SGD(**k)),
    "momentum": ({"type": "sgd", "learning_rate": 0.05, "momentum": 0.9}, lambda **k: keras.optimizers.SGD(**({"learning_rate": 0.05} | k), momentum=0.9)),
    "nesterov": ({"type": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": True}, lambda **k: keras.optimizers.SGD(**({"learning_rate": 0.05} | k), momentum=0.9, nesterov=True)),
}

tensors, cases, trainings = {}, [], []


def train(model, x, t, loss, optimizer, weights=None):
    model.set_weights(first_weights(model))
    optimizer.build(model.trainable_variables)
    for i in range(STEPS):
        rows = slice(i * BATCH, (i + 1) * BATCH)
        with tf.GradientTape() as tape:
            if weights is None:
                value = tf.reduce_mean(loss(t[rows], answers(model, x[rows])))
            else:
                value = loss(t[rows], answers(model, x[rows]), sample_weight=weights[rows])
        optimizer.apply_gradients(zip(tape.gradient(value, model.trainable_variables), model.trainable_variables))
    return flat(model.get_weights())


def add_case(hidden, last, outputs, loss_name):
    inputs = 5
    layers = [{"type": "dense", "units": 7, "activation": hidden}, {"type": "dense", "units": outputs, "activation": last}]
    name = f"{hidden}-{last}{outputs}-{loss_name}"
    model, loss = build(inputs, layers), loss_of(loss_name)
    x = number(SEQUENCE_X, BATCH * STEPS * inputs).reshape(-1, inputs).astype(np.float32)
    t = targets(loss_name, outputs, BATCH * STEPS)
    model.set_weights(first_weights(model))
    with tf.GradientTape() as tape:
        y = answers(model, x[:BATCH])
        value = tf.reduce_mean(loss(t[:BATCH], y))
    tensors[name + "/y"] = y.numpy()
    tensors[name + "/loss"] = np.asarray([value.numpy()], np.float32)
    tensors[name + "/gradient"] = flat(g.numpy() for g in tape.gradient(value, model.trainable_variables))
    for key, (_, make) in OPTIMIZERS.items():
        tensors[f"{name}/{key}"] = train(model, x, t, loss, make())
    cases.append({"name": name, "inputs": inputs, "network": {"layers": layers}, "loss": loss_name})


def add_training(name, job, optimizer, loss_name="mean_squared_error", last="linear", outputs=3, class_weight=None, use_bias=True):
    inputs = 5
    layers = [{"type": "dense", "units": 7, "activation": "tanh", "use_bias": use_bias}, {"type": "dense", "units": outputs, "activation": last, "use_bias": use_bias}]
    model, loss = build(inputs, layers), loss_of(loss_name)
    x = number(SEQUENCE_X, BATCH * STEPS * inputs).reshape(-1, inputs).astype(np.float32)
    t = targets(loss_name, outputs, BATCH * STEPS)
    weights = None
    if class_weight:
        kind = t[:, 0] if t.shape[1] == 1 else t.argmax(1)
        weights = np.asarray([class_weight[int(c)] for c in kind], np.float32)
    tensors[f"training/{name}"] = train(model, x, t, loss, optimizer, weights)
    trainings.append({"name": name, "inputs": inputs, "network": {"layers": layers}, "loss": loss_name} | job | ({"class_weight": class_weight} if class_weight else {}))


def add_mission():
    """100 -> 128 relu -> 64 relu -> 1 sigmoid, adam, batch 32, ten epochs in the order of the rows."""
    rows, inputs = 1000, 100
    x = number(SEQUENCE_X, rows * inputs).reshape(rows, inputs)
    noise = number(SEQUENCE_T, rows)
    t = (x[:, 0] + x[:, 1] - x[:, 2] * x[:, 3] + 0.25 * noise > 0).astype(np.float32).reshape(rows, 1)
    model = build(inputs, [{"units": 128, "activation": "relu"}, {"units": 64, "activation": "relu"}, {"units": 1, "activation": "sigmoid"}])
    model.set_weights(first_weights(model))
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    history = model.fit(x[:800].astype(np.float32), t[:800], validation_data=(x[800:].astype(np.float32), t[800:]), epochs=10, batch_size=32, shuffle=False, verbose=0).history
    print({k: v[-1] for k, v in history.items()})
    for key in ("loss", "accuracy", "val_loss", "val_accuracy"):
        tensors[f"mission/{key}"] = np.asarray(history[key], np.float32)


def save(path):
    header, at = {"__metadata__": {"keras": keras.__version__, "tensorflow": tf.__version__, "cases": json.dumps(cases), "trainings": json.dumps(trainings)}}, 0
    for key, value in tensors.items():
        header[key] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for value in tensors.values():
            out.write(np.ascontiguousarray(value, np.float32).tobytes())
    print(len(cases), "cases,", len(trainings), "trainings,", os.path.getsize(path), "bytes")


SQUARED = [(last, 3, loss) for last in ("linear", "relu", "sigmoid", "tanh", "softmax") for loss in ("mean_squared_error", "half_mean_squared_error")]
BINARY = [(last, outputs, "binary_crossentropy") for last, outputs in (("sigmoid", 1), ("sigmoid", 3), ("softmax", 3))]
CLASSES = [(last, 4, loss) for last in ("softmax", "sigmoid") for loss in ("categorical_crossentropy", "sparse_categorical_crossentropy")]
for hidden_activation in ("linear", "relu", "sigmoid", "tanh", "softmax"):
    for last_activation, last_units, which in SQUARED + BINARY + CLASSES:
        add_case(hidden_activation, last_activation, last_units, which)

SGD, ADAM = {"type": "sgd", "learning_rate": 0.1}, {"type": "adam", "learning_rate": 0.01}
schedules = keras.optimizers.schedules
add_training("clip_norm", {"optimizer": SGD, "clip_norm": 0.1}, keras.optimizers.SGD(0.1, clipnorm=0.1))
add_training("global_clip_norm", {"optimizer": SGD, "global_clip_norm": 0.1}, keras.optimizers.SGD(0.1, global_clipnorm=0.1))
add_training("clip_norm-adam", {"optimizer": ADAM, "clip_norm": 0.1}, keras.optimizers.Adam(0.01, clipnorm=0.1))
add_training("adam-options", {"optimizer": {"type": "adam", "learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 0.001}}, keras.optimizers.Adam(0.02, beta_1=0.8, beta_2=0.95, epsilon=0.001))
add_training("exponential", {"optimizer": SGD, "schedule": {"type": "exponential_decay", "decay_steps": 3, "decay_rate": 0.5}}, keras.optimizers.SGD(schedules.ExponentialDecay(0.1, 3, 0.5)))
add_training("staircase", {"optimizer": SGD, "schedule": {"type": "exponential_decay", "decay_steps": 3, "decay_rate": 0.5, "staircase": True}}, keras.optimizers.SGD(schedules.ExponentialDecay(0.1, 3, 0.5, staircase=True)))
add_training("cosine", {"optimizer": ADAM, "schedule": {"type": "cosine_decay", "decay_steps": 7, "alpha": 0.1}}, keras.optimizers.Adam(schedules.CosineDecay(0.01, 7, alpha=0.1)))
add_training("warmup", {"optimizer": ADAM, "schedule": {"type": "cosine_decay", "decay_steps": 5, "warmup_steps": 3, "warmup_target": 0.05}}, keras.optimizers.Adam(schedules.CosineDecay(0.01, 5, warmup_target=0.05, warmup_steps=3)))
add_training("no-bias", {"optimizer": ADAM}, keras.optimizers.Adam(0.01), use_bias=False)
add_training("weights-binary", {"optimizer": ADAM}, keras.optimizers.Adam(0.01), "binary_crossentropy", "sigmoid", 1, [0.5, 3.0])
add_training("weights-classes", {"optimizer": SGD}, keras.optimizers.SGD(0.1), "categorical_crossentropy", "softmax", 4, [1.0, 2.0, 0.25, 4.0])
add_training("weights-sparse", {"optimizer": SGD}, keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", "softmax", 4, [1.0, 2.0, 0.25, 4.0])
add_mission()
save(os.path.join(HERE, "goldens.safetensors"))
