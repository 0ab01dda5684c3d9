"""Runs exported networks with ONNX Runtime: python run.py DIR

DIR/tests.json maps names to the shape of an input and the names of layers. Of each network NAME reads
NAME.input, writes NAME.output and NAME.weights, all float32, and refuses a session that holds weights."""
import json
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

os.chdir(sys.argv[1])
for name, test in json.load(open("tests.json")).items():
    path = name + ".onnx"
    onnx.checker.check_model(path, full_check=True)
    x = np.fromfile(name + ".input", np.float32).reshape(test["shape"])

    def session(path, optimized=""):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.optimized_model_filepath = optimized
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    with tempfile.TemporaryDirectory() as scratch:
        optimized = os.path.join(scratch, "optimized.onnx")
        s = session(path, optimized)
        feed = {s.get_inputs()[0].name: x}
        s.run(None, feed)[0].tofile(name + ".output")
        before = onnx.load(path, load_external_data=False)
        known = {t.name for t in before.graph.initializer}
        for t in onnx.load(optimized, load_external_data=False).graph.initializer:
            size = np.prod(t.dims, dtype=int)
            if t.data_type == onnx.TensorProto.FLOAT and t.name not in known and size > test["pages"]:
                sys.exit(f"{path}: the session holds {size} float32 values {t.name}")
    for layer in test["layers"]:
        before.graph.output.append(onnx.helper.make_empty_tensor_value_info(layer))
    onnx.save(before, name + "-layers.onnx")
    s = session(name + "-layers.onnx")
    values = s.run(test["layers"], feed)
    np.concatenate([v.ravel() for v in values]).tofile(name + ".weights")
