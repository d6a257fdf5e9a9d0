"""The worker's side of arcgauge's protocol, for engines that are driven from Python.

A JSON object a line: commands on stdin, events on stdout. README.md beside this file says what each means.
"""

import ctypes
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

PROTOCOL_VERSION = 3
NS_PER_MS = 1_000_000


@dataclass
class Generation:
    """Tokens with their times; the lists are of one length. Times are `CLOCK_MONOTONIC`, ns."""

    submitted_ns: int
    """t0: just before the engine was handed the prompt's token ids."""
    ids: list[int]
    known_ns: list[int]
    """When each token was known on the host."""
    infer_ns: list[int]
    """How long the inference before it took."""


@dataclass
class Resolved:
    """What will run where, sent before anything is compiled."""

    openvino_version: str
    openvino_build: str
    device: str
    properties_requested: dict[str, str]
    compiled_model_cache: str = "off"
    compiled_model_folder: str | None = None
    fallback_reason: str | None = None
    gpu_name: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Loaded:
    """What was loaded."""

    load_started_ns: int
    load_ended_ns: int
    execution_devices: str
    """`EXECUTION_DEVICES`, as the runtime says it."""
    properties_effective: dict[str, str]
    vocabulary_size: int
    attention: str
    """"sdpa" or "paged"."""
    infer_span: str = "inference"
    """What `infer_ns` are of: "inference", or "step" where the engine notes no inferences by themselves."""
    context_tokens: int | None = None
    states_hidden_reason: str | None = "this engine shows no KV state"
    unedited_reason: str | None = "this engine prepares the graph itself"
    properties_warm: dict[str, str] = field(default_factory=dict)
    """What a warm load read back; `properties_effective` then has what the cold load read back."""
    loaded_from_cache: bool | None = None


class Engine(Protocol):
    """What is measured."""

    name: str
    """The engine and its version."""

    def resolve(self, command: dict[str, Any]) -> Resolved:
        """Imports what it needs, and says what will run where."""

    def load(self) -> Loaded:
        """Loads the model, and nothing else: this is timed."""

    def generate(self, ids: list[int], new_tokens: int, first_token: Callable[[], None] | None) -> Generation:
        """Continues greedily from an empty KV cache by exactly so many tokens, end-of-sequence or not.

        `first_token` is called when the first one is known; None in a timed generation.
        """

    def generated(self) -> None:
        """A generation has ended well. Never timed."""


def serve(engine: Engine) -> None:
    """Answers commands until the supervisor ends it, or the supervisor is gone."""
    end_with_supervisor()
    pipe = Pipe()
    pipe.send("handshake", protocol=PROTOCOL_VERSION, worker=engine.name)
    try:
        while True:
            command = pipe.next_command()
            match command["command"]:
                case "load":
                    pipe.send("device-resolved", **asdict(engine.resolve(command)))
                    pipe.send("loaded", **asdict(engine.load()))
                case "generate":
                    generate(pipe, engine, command)
                case "acknowledge":
                    pass
                case "finish":
                    pipe.send("done")
                    return
                case other:
                    raise ValueError(f"this worker does not know the command `{other}`")
    except Refused as refused:
        pipe.send("failed", kind="input", message=str(refused), hint=refused.hint)
        sys.exit(2)
    except Exception as error:
        traceback.print_exc()
        what = " ".join(f"{type(error).__name__}: {error}".split())
        pipe.send("failed", kind="harness", message=f"{engine.name}: {what}", hint=None)
        sys.exit(20)


def generate(pipe: "Pipe", engine: Engine, command: dict[str, Any]) -> None:
    """One generation. Between `ready` and the last token nothing is sent, so that nothing else is timed."""
    new_tokens = command["new_tokens"]
    split_phases = command["split_phases"]
    pipe.send("ready")
    pipe.acknowledged()
    phase_ended = (lambda: pipe.phase_ended("prefill")) if split_phases else None
    generation = engine.generate(command["token_ids"], new_tokens, phase_ended)
    if split_phases:
        pipe.phase_ended("decode")
    engine.generated()
    pipe.send("tokens", ids=generation.ids, known_ns=generation.known_ns, infer_ns=generation.infer_ns)
    pipe.send("generated", submitted_ns=generation.submitted_ns)


class Refused(Exception):
    """Something that the user requested and cannot have."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Pipe:
    """The two pipes to the supervisor, kept from what libraries print: that goes to stderr."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def send(self, event: str, **fields: Any) -> None:
        self._out.write(json.dumps({"event": event, **fields}) + "\n")
        self._out.flush()

    def next_command(self) -> dict[str, Any]:
        line = sys.stdin.readline()
        if not line:
            sys.exit(20)  # the supervisor is gone
        return json.loads(line)

    def acknowledged(self) -> None:
        command = self.next_command()
        if command["command"] != "acknowledge":
            raise ValueError(f"an acknowledgement was due, not `{command['command']}`")

    def phase_ended(self, phase: str) -> None:
        self.send("phase-ended", phase=phase)
        self.acknowledged()


def end_with_supervisor() -> None:
    """Has the system end this process when its supervisor ends, however that does."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def now_ns() -> int:
    """`CLOCK_MONOTONIC`, which all processes of a machine share."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)
