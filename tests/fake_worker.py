#!/usr/bin/env python3
"""A worker that speaks the protocol and decodes nothing: tests make it misbehave.

    fake_worker.py SCENARIO

It answers with the tokens 1, 2, 3 ... a millisecond apart, and at the point that its scenario names
it does what no worker should.
"""

import json
import os
import signal
import subprocess
import sys
import time

SCENARIO = sys.argv[1] if len(sys.argv) > 1 else "well"
# From token to token, as it is reported.
TOKEN_NS = int(os.environ.get("FAKE_TOKEN_NS", "1000000"))
# The first token of each answer.
FIRST_TOKEN = int(os.environ.get("FAKE_FIRST_TOKEN", "1"))
GENERATIONS = 0
# What is known of the GPU that these scenarios have.
GPUS = {
    "emulates-a-gpu": {
        "full_name": "A GPU (iGPU)",
        "vendor": "Intel(R) Corporation",
        "driver_version": "2024.18.7",
        "emulated_reason": "its OpenCL platform is a runtime for CPUs",
    },
    "names-an-absent-gpu": {"full_name": "Intel(R) Arc(TM) 140V GPU (16GB) (iGPU)", "pci_id": "8086:64a0"},
    "has-a-gpu-of-another-vendor": {
        "full_name": "NVIDIA H200 (dGPU)",
        "vendor": "NVIDIA Corporation",
        "pci_id": "10de:2335",
    },
}

# Names that version 2 of the protocol has for what version 3 calls otherwise.
OLDER_NAMES = {
    "handshake": "hello",
    "device-resolved": "settled",
    "replayed": "witnessed",
    "replay": "witness",
    "properties_requested": "properties_asked",
    "fallback_reason": "fallback_because",
    "states_hidden_reason": "states_hidden_because",
    "unedited_reason": "unedited_because",
    "logit_margins": "gaps_logit",
}


def name(current):
    return OLDER_NAMES.get(current, current) if SCENARIO == "speaks-protocol-2" else current


def send(event, **fields):
    event, fields = name(event), {name(field): value for field, value in fields.items()}
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def command():
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)


def hang():
    while True:
        time.sleep(3600)


def load(request):
    started = time.monotonic_ns()
    if SCENARIO == "hangs-before-load":
        hang()
    gpu = SCENARIO in ("claims-a-gpu-it-denies", "claims-a-gpu") or SCENARIO in GPUS
    send(
        "device-resolved",
        openvino_version="2026.4.1",
        openvino_build="fake",
        device="GPU" if gpu else "CPU",
        fallback_reason=None,
        facts={"full_name": "A fake", "pci_id": None, "execution_units": None, "driver_version": None,
               "memory_bytes": None, **GPUS.get(SCENARIO, {})},
        gpu_name="A fake" if gpu else None,
        properties_requested={},
        compiled_model_cache="off",
    )
    if SCENARIO == "fails-to-load":
        send("failed", kind="harness", message="the fake cannot load", hint="take a real one")
        sys.exit(20)
    if SCENARIO == "changes-the-model":
        with open(os.path.join(request["model_dir"], "openvino_model.bin"), "r+b") as weights:
            weights.seek(4096)
            byte = weights.read(1)
            weights.seek(4096)
            weights.write(bytes([byte[0] ^ 1]))
    if SCENARIO == "loads-backwards":
        started += 3_600_000_000_000
    send(
        "loaded",
        load_started_ns=started,
        load_ended_ns=time.monotonic_ns(),
        execution_devices="GPU.0" if SCENARIO == "claims-a-gpu" or SCENARIO in GPUS else "CPU",
        properties_effective={},
        vocabulary_size=1000,
        context_tokens=131072,
        states_hidden_reason=None,
        unedited_reason="a fake has no graph",
        profiles=SCENARIO == "profiles" and "PERF_COUNT=YES" in request["properties"],
    )


def start_a_daemon():
    """Forks twice, with a session, files and an environment of its own; its number goes to `daemon`."""
    child = os.fork()
    if child != 0:
        os.waitpid(child, 0)
        return
    os.setsid()
    if os.fork() == 0:
        nothing = os.open("/dev/null", os.O_RDWR)
        for file in (0, 1, 2):
            os.dup2(nothing, file)
        with open("daemon.new", "w") as file:
            file.write(f"{os.getpid()}")
        os.rename("daemon.new", "daemon")
        os.execve("/bin/sleep", ["sleep", "1000"], {})
    os._exit(0)


def flood_stderr():
    print("the first words", file=sys.stderr, flush=True)
    for _ in range(300):
        os.write(2, b"y" * (1 << 20))
    print("the last words", file=sys.stderr, flush=True)


def talk_without_end():
    while True:
        print("the weather", flush=True)
        time.sleep(0.01)


def generate(request):
    global GENERATIONS
    GENERATIONS += 1
    if request["split_phases"] and GENERATIONS > 1:
        send("failed", kind="harness", message="a timed generation was to be interrupted", hint=None)
        sys.exit(20)
    send("ready", **({"state_seen_empty": False} if SCENARIO == "has-a-cache-that-is-not-empty" else {}))
    command()
    wanted = request["new_tokens"]
    submitted = time.monotonic_ns()
    known = [submitted + (i + 1) * TOKEN_NS for i in range(wanted)]
    if SCENARIO == "sends-times-that-go-back":
        known[-1] = known[0]
    if SCENARIO == "takes-a-nanosecond-a-token":
        known = [submitted + i + 1 for i in range(wanted)]
    if SCENARIO == "has-a-clock-of-its-own":
        submitted, known = 1, [2 + i for i in range(wanted)]
    half = wanted // 2
    ids = [i + FIRST_TOKEN for i in range(wanted)]
    tokens = lambda part: send("tokens", ids=ids[part], known_ns=known[part], infer_ns=[1] * len(ids[part]))
    tokens(slice(0, 1))
    if request["split_phases"]:
        send("phase-ended", phase="prefill")
        command()
    # Real work, so that the processor is seen to be busy.
    busy_until = time.monotonic_ns() + 30_000_000
    while time.monotonic_ns() < busy_until:
        pass
    if SCENARIO == "talks":
        print("[ libraries ] like to print on stdout", flush=True)
    tokens(slice(1, half))
    if GENERATIONS == 2:
        misbehave()
    tokens(slice(half, wanted - 1 if SCENARIO == "sends-too-few-tokens" else wanted))
    if request["split_phases"]:
        send("phase-ended", phase="decode")
        command()
    send("generated", submitted_ns=submitted)


def misbehave():
    if SCENARIO in ("hangs-mid-token", "ignores-termination"):
        hang()
    elif SCENARIO == "hangs-beside-its-daemon":
        for number in range(1, 32):
            if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD):
                signal.signal(number, signal.SIG_IGN)
        start_a_daemon()
        hang()
    elif SCENARIO == "stops-its-parent":
        os.kill(os.getppid(), signal.SIGSTOP)
    elif SCENARIO == "kills-its-parent":
        os.kill(os.getppid(), signal.SIGKILL)
    elif SCENARIO == "floods-stderr":
        flood_stderr()
    elif SCENARIO == "beats-without-end":
        while True:
            send("tokens", ids=[], known_ns=[], infer_ns=[])
            time.sleep(0.1)
    elif SCENARIO == "makes-tokens-without-end":
        while True:
            send("tokens", ids=[1], known_ns=[1], infer_ns=[1])
    elif SCENARIO == "talks-without-end":
        talk_without_end()
    elif SCENARIO == "garbles":
        print('{"event":"tokens","ids":[null]}', flush=True)
        hang()
    elif SCENARIO == "is-killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif SCENARIO == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif SCENARIO == "leaves":
        sys.exit(7)
    elif SCENARIO == "breaks-the-protocol":
        send("done")


def replay(request):
    path = request["path"]
    steps = len(path["forced"]) if "forced" in path else path["greedy"]
    tokens = [i + FIRST_TOKEN for i in range(steps)]
    send("replayed", token_ids=tokens, runner_up_ids=[0] * steps, logit_margins=[9.0] * steps)


def profile(request):
    """All of a longer step is of attention."""
    step_us = TOKEN_NS / 1000
    operators = [("ScaledDotProductAttentionWithKVCache", "model.layers.*.self_attn", step_us - 200), ("Add", "add", 50)]
    send(
        "profiled",
        prompt_id=request["prompt_id"],
        depth_tokens=len(request["token_ids"]),
        steps=request["steps"],
        wall_us=step_us,
        operators=[{"kind": kind, "name": node, "count": 2, "time_us": us} for kind, node, us in operators],
    )


def finish():
    if SCENARIO == "leaks-a-grandchild":
        subprocess.Popen(["sleep", "1000"])
    elif SCENARIO == "leaks-outside-its-group":
        subprocess.Popen(["sleep", "1000"], start_new_session=True, stdout=subprocess.DEVNULL)
    elif SCENARIO == "leaks-a-daemon":
        start_a_daemon()
        while not os.path.exists("daemon"):
            time.sleep(0.01)
    elif SCENARIO == "leaks-a-talker":
        # Without our mark, so that only the pipe that it holds shows it.
        talker = "for i in $(seq 16); do echo; sleep 0.5; done"
        subprocess.Popen(["sh", "-c", talker], start_new_session=True, env={"PATH": os.environ["PATH"]})
    if SCENARIO == "never-leaves":
        hang()
    send("done")
    sys.exit(3 if SCENARIO == "ends-badly" else 0)


def distributions():
    if SCENARIO == "is-older":
        send("failed", kind="harness", message="unknown command `compare-distributions`", hint=None)
        sys.exit(20)
    drift = float(os.environ.get("FAKE_MEAN_KL_NATS", "0"))
    send(
        "distributions-compared",
        texts=[
            {
                "text": "code",
                "steps": 160,
                "agreed_steps": 160,
                "mean_kl_nats": drift,
                "largest_kl_nats": drift,
                "largest_logit_difference": 0.0,
                "mean_entropy_change_nats": 0.0,
            }
        ],
    )


def main():
    if SCENARIO == "is-no-worker":
        sys.exit("error: unrecognized subcommand 'worker'")
    if SCENARIO == "never-speaks":
        hang()
    if SCENARIO == "ignores-termination":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    version = {"speaks-a-later-protocol": 99, "speaks-protocol-2": 2}.get(SCENARIO, 3)
    send("handshake", protocol=version, worker="fake 1", a_later_field=1)
    while True:
        request = command()
        if request["command"] == "load":
            load(request)
        elif request["command"] == "generate":
            generate(request)
        elif request["command"] == name("replay"):
            replay(request)
        elif request["command"] == "profile":
            profile(request)
        elif request["command"] == "compare-distributions":
            distributions()
        elif request["command"] == "finish":
            finish()


main()
