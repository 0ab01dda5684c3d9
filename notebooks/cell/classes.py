"""Finds the class of every sample with ONNX Runtime, and prints its version.

Usage: classes.py MODEL SAMPLES CLASSES

SAMPLES holds float32, CLASSES will hold an int32 for each sample, both little-endian.
The status is 3 where there is no ONNX Runtime.
"""

import sys

try:
    import numpy
    import onnxruntime
except ImportError as err:
    print(err, file=sys.stderr)
    sys.exit(3)

model, samples, classes = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.log_severity_level = 3  # errors
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
given = session.get_inputs()[0]
values = numpy.fromfile(samples, "<f4").reshape(-1, *given.shape[1:])
found = []
for at in range(0, len(values), 100):
    (outputs,) = session.run(None, {given.name: values[at : at + 100]})
    found.append(outputs.argmax(axis=1))
numpy.concatenate(found).astype("<i4").tofile(classes)
print(onnxruntime.__version__)
