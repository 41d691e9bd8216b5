"""Question in, cited answer out. Imports nothing of `ingest`, `api` or `evals`."""

import os

# ONNX Runtime 1.29 and later report the models that they run to Microsoft, and keep a number of
# this machine in its cache, unless told so before they are loaded: microsoft/onnxruntime#27379.
# Whatever of ours loads it comes through here first.
os.putenv("ORT_DISABLE_TELEMETRY", "1")
