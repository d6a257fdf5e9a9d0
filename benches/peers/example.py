#!/usr/bin/env python3
"""The smallest engine: OpenVINO's own Python package, step by step. `peers --program example=FILE` measures it."""
import json, os, sys  # noqa: E401
from time import monotonic_ns as now_ns
import numpy as np, openvino as ov  # noqa: E401

pipe = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what a library prints goes to stderr
def send(event, **fields):  # noqa: E302
    print(json.dumps({"event": event, **fields}), file=pipe, flush=True)
send("handshake", protocol=3, worker="example 1.0")  # noqa: E305
while line := sys.stdin.readline():
    command = json.loads(line)
    if command["command"] == "load":
        device, requested = command["device"], dict(item.split("=", 1) for item in command["properties"])
        send("device-resolved", openvino_version=ov.get_version().split("-")[0], openvino_build=ov.get_version(), device=device,
             facts={}, properties_requested=requested, compiled_model_cache="off")
        started_ns = now_ns()
        model = ov.Core().compile_model(command["model_dir"] + "/openvino_model.xml", device, requested)
        request, vocabulary = model.create_infer_request(), model.output(0).partial_shape[2].get_length()
        send("loaded", load_started_ns=started_ns, load_ended_ns=now_ns(), vocabulary_size=vocabulary, attention="sdpa",
             execution_devices=" ".join(model.get_property("EXECUTION_DEVICES")), properties_effective={})
    elif command["command"] == "generate":
        request.reset_state()
        send("ready"), sys.stdin.readline()
        tokens, held, ids, known, infer, submitted_ns = command["token_ids"], 0, [], [], [], now_ns()
        while len(ids) < command["new_tokens"]:
            inputs = {"input_ids": np.array([tokens]), "position_ids": np.arange(held, held + len(tokens))[None]}
            held, before_ns = held + len(tokens), now_ns()
            request.infer(inputs | {"attention_mask": np.ones((1, held), int), "beam_idx": np.zeros(1, np.int32)})
            infer.append(now_ns() - before_ns)
            tokens = [int(request.get_output_tensor().data[0, -1].argmax())]
            ids, known = ids + tokens, known + [now_ns()]
        for phase in ("prefill", "decode") if command["split_phases"] else ():
            send("phase-ended", phase=phase), sys.stdin.readline()
        send("tokens", ids=ids, known_ns=known, infer_ns=infer), send("generated", submitted_ns=submitted_ns)
    elif command["command"] == "finish":
        send("done"), sys.exit(0)
