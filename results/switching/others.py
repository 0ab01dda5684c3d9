"""Times what other runtimes take to make one of the ten networks ready, for results/execution.md.

    python3 -m venv V
    V/bin/pip install numpy==2.4.6 tensorflow-cpu==2.21.0 onnx==1.23.2 onnxruntime==1.32.0 \
        ai-edge-litert==2.3.0 torch==2.15.0
    V/bin/python results/switching/others.py RUN > others.json

RUN is a run directory (ws run): its NAME/weights.npy are flat, layer after layer, each kernel (HWIO, or
[in, out]) before its bias. Each runtime switches to 50 random networks, one thread; files are in the
system's cache. A switch ends when a run of one sample could begin; that run is timed apart.
"""
import contextlib
import json
import os
import platform
import random
import sys
import tempfile
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import numpy as np

# Input, convolutions (height, width, in, out), dense layers, activation between them.
TEN = {
    "cifar10": ((32, 32, 3), [(3, 3, 3, 16), (3, 3, 16, 32), (3, 3, 32, 52)], [208, 128, 128, 10], "sigmoid"),
    "mnist": ((28, 28, 1), [(3, 3, 1, 16), (3, 3, 16, 32), (3, 3, 32, 48)], [48, 256, 128, 10], "leaky"),
    "fmnist": ((28, 28, 1), [(3, 3, 1, 24), (3, 3, 24, 32), (3, 3, 32, 52)], [52, 256, 128, 10], "leaky"),
    "gtsrb": ((32, 32, 1), [(3, 3, 1, 16), (3, 3, 16, 32), (3, 3, 32, 52)], [208, 128, 128, 43], "leaky"),
    "svhn": ((32, 32, 3), [(3, 3, 3, 16), (3, 3, 16, 32), (3, 3, 32, 52)], [208, 128, 128, 10], "sigmoid"),
    "obs": ((45, 80, 1), [(12, 24, 1, 8), (3, 3, 8, 32), (3, 3, 32, 32)], [320, 128, 128, 4], "leaky"),
    "gsc": ((61, 13, 1), [(12, 6, 1, 14), (6, 3, 14, 28)], [280, 128, 128, 35], "leaky"),
    "esc10": ((60, 41, 2), [(12, 6, 2, 8), (3, 3, 8, 16), (3, 3, 16, 32)], [384, 128, 64, 10], "sigmoid"),
    "us8k": ((60, 41, 2), [(3, 3, 2, 8), (3, 3, 8, 16), (3, 3, 16, 32)], [480, 124, 10], "leaky"),
    "hhar": ((20, 120, 1), [(3, 3, 1, 8), (3, 3, 8, 32), (2, 3, 32, 64)], [832, 60, 6], "sigmoid"),
}


def layers(name, run):
    """Kernels and biases of a network, in order."""
    flat = np.load(os.path.join(run, name, "weights.npy"))
    _, convs, dense, _ = TEN[name]
    shapes = []
    for c in convs:
        shapes += [c, (c[3],)]
    for a, b in zip(dense, dense[1:]):
        shapes += [(a, b), (b,)]
    out, at = [], 0
    for s in shapes:
        n = int(np.prod(s))
        out.append(flat[at : at + n].reshape(s))
        at += n
    assert at == flat.size, (name, at, flat.size)
    return out


def timed(f):
    start = time.perf_counter_ns()
    result = f()
    return time.perf_counter_ns() - start, result


def tensorflow(nets, order, dir):
    """The original's way: a Saver restores weights and both of Adam's moments into a graph."""
    import tensorflow as tf

    v1 = tf.compat.v1
    graphs = {}
    for name, ws in nets.items():
        shape, convs, _, act = TEN[name]
        g = tf.Graph()
        with g.as_default():
            x = v1.placeholder(tf.float32, (None,) + shape)
            vs = [v1.get_variable(f"w{i}", initializer=w) for i, w in enumerate(ws)]
            for i, w in enumerate(ws):
                for m in "mv":
                    v1.get_variable(f"{m}{i}", initializer=np.zeros_like(w))
            y = x
            for i in range(len(convs)):
                y = tf.nn.leaky_relu(tf.nn.conv2d(y, vs[2 * i], 1, "VALID") + vs[2 * i + 1], 0.2)
                y = tf.nn.max_pool2d(y, 2, 2, "VALID")
            y = tf.reshape(y, (-1, ws[2 * len(convs)].shape[0]))
            for i in range(2 * len(convs), len(ws), 2):
                y = y @ vs[i] + vs[i + 1]
                if i < len(ws) - 2:
                    y = tf.sigmoid(y) if act == "sigmoid" else tf.nn.leaky_relu(y, 0.2)
            saver = v1.train.Saver()
            init = v1.global_variables_initializer()
            path = os.path.join(dir, name + ".ckpt")
            config = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
            with v1.Session(config=config) as s:
                s.run(init)
                saver.save(s, path)
        graphs[name] = (g, saver, path, x, y, config)
    fresh, warm, runs = [], [], []
    sessions = {}
    for name in order:
        g, saver, path, x, y, config = graphs[name]
        one = np.zeros((1,) + TEN[name][0], np.float32)

        def restore():
            s = v1.Session(graph=g, config=config)
            with g.as_default():
                saver.restore(s, path)
            return s

        t, s = timed(restore)
        fresh.append(t)
        s.run(y, {x: one})
        runs.append(timed(lambda: s.run(y, {x: one}))[0])
        s.close()
        if name not in sessions:
            sessions[name] = v1.Session(graph=g, config=config)
            with g.as_default():
                saver.restore(sessions[name], path)
        with g.as_default():
            warm.append(timed(lambda: saver.restore(sessions[name], path))[0])
    return {
        "TensorFlow: Saver.restore with Adam's moments, fresh session": (fresh, runs),
        "TensorFlow: the same, in a session that has restored before": (warm, runs),
    }


def onnxruntime(nets, order, dir):
    import onnx
    import onnxruntime as ort
    from onnx import TensorProto, helper, numpy_helper

    for name, ws in nets.items():
        shape, convs, _, act = TEN[name]
        nodes, init, at = [], [], "x"

        def add(op, inputs, **attributes):
            out = f"t{len(nodes)}"
            nodes.append(helper.make_node(op, inputs, [out], **attributes))
            return out

        for i, w in enumerate(ws):
            if w.ndim == 4:
                w = w.transpose(3, 2, 0, 1)
            init.append(numpy_helper.from_array(np.ascontiguousarray(w), f"w{i}"))
        for i in range(len(convs)):
            at = add("Conv", [at, f"w{2 * i}", f"w{2 * i + 1}"])
            at = add("MaxPool", [add("LeakyRelu", [at], alpha=0.2)], kernel_shape=[2, 2], strides=[2, 2])
        at = add("Flatten", [add("Transpose", [at], perm=[0, 2, 3, 1])])
        for i in range(2 * len(convs), len(ws), 2):
            at = add("Gemm", [at, f"w{i}", f"w{i + 1}"])
            if i < len(ws) - 2:
                at = add("Sigmoid", [at]) if act == "sigmoid" else add("LeakyRelu", [at], alpha=0.2)
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", shape[2], shape[0], shape[1]])
        y = helper.make_tensor_value_info(at, TensorProto.FLOAT, ["n", TEN[name][2][-1]])
        model = helper.make_model(helper.make_graph(nodes, name, [x], [y], init),
                                  opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, os.path.join(dir, name + ".onnx"))
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    switches, runs = [], []
    for name in order:
        h, w, c = TEN[name][0]
        one = np.zeros((1, c, h, w), np.float32)
        t, s = timed(lambda: ort.InferenceSession(os.path.join(dir, name + ".onnx"), options,
                                                  providers=["CPUExecutionProvider"]))
        switches.append(t)
        s.run(None, {"x": one})
        runs.append(timed(lambda: s.run(None, {"x": one}))[0])
    return {"ONNX Runtime: InferenceSession of a file": (switches, runs)}


def litert(nets, order, dir):
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    for name, ws in nets.items():
        shape, convs, _, act = TEN[name]
        x = y = tf.keras.Input(shape)
        made = []
        for h, w, _, out in convs:
            made.append(tf.keras.layers.Conv2D(out, (h, w)))
            y = tf.keras.layers.MaxPool2D()(tf.keras.layers.LeakyReLU(0.2)(made[-1](y)))
        y = tf.keras.layers.Flatten()(y)
        for i in range(2 * len(convs), len(ws), 2):
            made.append(tf.keras.layers.Dense(ws[i].shape[1]))
            y = made[-1](y)
            if i < len(ws) - 2:
                leaky = tf.keras.layers.LeakyReLU(0.2)
                y = tf.keras.layers.Activation("sigmoid")(y) if act == "sigmoid" else leaky(y)
        model = tf.keras.Model(x, y)
        for k, layer in enumerate(made):
            layer.set_weights(ws[2 * k : 2 * k + 2])
        with open(os.path.join(dir, name + ".tflite"), "wb") as f:
            f.write(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    switches, runs = [], []
    for name in order:
        def open_it():
            i = Interpreter(os.path.join(dir, name + ".tflite"), num_threads=1)
            i.allocate_tensors()
            return i

        t, i = timed(open_it)
        switches.append(t)
        i.set_tensor(i.get_input_details()[0]["index"], np.zeros((1,) + TEN[name][0], np.float32))
        i.invoke()
        runs.append(timed(i.invoke)[0])
    return {"LiteRT: Interpreter of a file, tensors allocated": (switches, runs)}


def torch(nets, order, dir):
    import torch as t

    t.set_num_threads(1)
    modules = {}
    for name, ws in nets.items():
        _, convs, _, act = TEN[name]
        parts = []
        for h, w, a, b in convs:
            parts += [t.nn.Conv2d(a, b, (h, w)), t.nn.LeakyReLU(0.2), t.nn.MaxPool2d(2)]
        parts.append(t.nn.Flatten())
        for i in range(2 * len(convs), len(ws), 2):
            parts.append(t.nn.Linear(*ws[i].shape))
            if i < len(ws) - 2:
                parts.append(t.nn.Sigmoid() if act == "sigmoid" else t.nn.LeakyReLU(0.2))
        m = t.nn.Sequential(*parts)
        t.save(m.state_dict(), os.path.join(dir, name + ".pt"))  # values do not matter here
        modules[name] = m.eval()
    switches, runs = [], []
    for name in order:
        m, path = modules[name], os.path.join(dir, name + ".pt")
        switches.append(timed(lambda: m.load_state_dict(t.load(path, weights_only=True)))[0])
        h, w, c = TEN[name][0]
        one = t.zeros(1, c, h, w)
        with t.inference_mode():
            m(one)
            runs.append(timed(lambda: m(one))[0])
    return {"PyTorch: load_state_dict of a file, module kept": (switches, runs)}


def main():
    run = sys.argv[1]
    nets = {name: layers(name, run) for name in TEN}
    rng = random.Random(1)
    order = [rng.choice(list(TEN)) for _ in range(50)]
    out = {"python": platform.python_version(), "machine": platform.machine(), "ms": {}}
    with tempfile.TemporaryDirectory() as dir:
        for runtime in tensorflow, onnxruntime, litert, torch:
            with contextlib.redirect_stdout(sys.stderr):
                times = runtime(nets, order, dir)
            for what, (switches, runs) in times.items():
                ms = np.array(switches) / 1e6
                out["ms"][what] = {"median": round(float(np.median(ms)), 4),
                                   "p95": round(float(np.percentile(ms, 95)), 4),
                                   "all 50": round(float(ms.sum()), 3),
                                   "run, median": round(float(np.median(runs)) / 1e6, 4)}
                print(what, out["ms"][what], file=sys.stderr)
    json.dump(out, sys.stdout, indent=1)
    print()


main()
