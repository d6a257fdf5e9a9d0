"""openvino_genai's `LLMPipeline` as a worker of arcgauge: `genai.py --attention sdpa|paged`.

Token ids go in, so that no chat template is put around the prompt; the end token is a token like any other; paged
attention shares no prefix with an earlier prompt. Times and inferences are those that the pipeline itself notes, by
the monotonic clock, so that no callback is timed with them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import openvino_side
from worker import NS_PER_MS, Generation, Loaded, Refused, Resolved, now_ns, serve

BACKENDS = {"sdpa": "SDPA", "paged": "PA"}
MODEL_HEADINGS = ("Model: Stateful LLM model", "Model: LLM with Paged Attention")
"""Above the properties of the language model, in what the pipeline prints when it is verbose."""
NS_PER_US = 1_000
ROUNDING_NS = 1_000
"""The pipeline reports inferences in whole microseconds."""


class Genai:
    """`LLMPipeline` with one of its attention backends."""

    def __init__(self, attention: str) -> None:
        self.attention = attention
        self.name = f"openvino_genai {version('openvino-genai')} {BACKENDS[attention]}"

    def resolve(self, command: dict[str, Any]) -> Resolved:
        self.resolved = openvino_side.resolve(command, self.name)
        self.compiled_models = openvino_side.CompiledModels(
            command, self.name, self.resolved.device, self.resolved.properties_requested
        )
        self.properties: dict[str, Any] = dict(self.resolved.properties_requested)
        if cache := self.compiled_models.prepare():
            self.properties["CACHE_DIR"] = cache
        self.model = Path(command["model_dir"])
        self.scratch = tempfile.TemporaryDirectory(prefix="arcgauge-peer-")
        self.folder = with_tokenizer_ir(self.model, self.scratch.name)
        import openvino_genai

        self.genai = openvino_genai
        return self.resolved

    def load(self) -> Loaded:
        arguments = {**self.properties, "ATTENTION_BACKEND": BACKENDS[self.attention]}
        if self.attention == "paged":
            # As the pipeline sets itself up for one request at a time, but for the prefix cache.
            scheduler = self.genai.SchedulerConfig()
            scheduler.max_num_batched_tokens = sys.maxsize
            scheduler.enable_prefix_caching = False
            arguments["scheduler_config"] = scheduler
        with pipeline_output() as output:
            started_ns = now_ns()
            self.pipeline = self.genai.LLMPipeline(self.folder, self.resolved.device, **arguments)
            ended_ns = now_ns()
        properties = model_properties(output.read())
        from_cache = openvino_side.as_bool(properties.pop("LOADED_FROM_CACHE", None))
        config = json.loads((self.model / "config.json").read_text())
        return Loaded(
            load_started_ns=started_ns,
            load_ended_ns=ended_ns,
            execution_devices=properties.get("EXECUTION_DEVICES", ""),
            **self.compiled_models.loaded(properties, from_cache),
            vocabulary_size=config["vocab_size"],
            context_tokens=config.get("max_position_embeddings"),
            attention=self.attention,
            # What the paged pipeline notes of a token is the whole step, sampling and scheduling included.
            infer_span="step" if self.attention == "paged" else "inference",
        )

    def generate(self, ids: list[int], new_tokens: int, first_token: Callable[[], None] | None) -> Generation:
        import numpy
        import openvino

        # `ignore_eos` alone: `min_new_tokens` would forbid the end token instead of passing over it.
        config = self.genai.GenerationConfig(max_new_tokens=new_tokens, do_sample=False, ignore_eos=True)
        prompt = openvino.Tensor(numpy.array([ids], numpy.int64))
        arguments = [] if first_token is None else [OnFirstToken(self.genai, first_token)]
        submitted_ns = now_ns()
        result = self.pipeline.generate(prompt, config, *arguments)
        noted = result.perf_metrics.raw_metrics
        known_ns = [round(time_ms * NS_PER_MS) for time_ms in noted.m_new_token_times]
        infer_ns = [round(time_us * NS_PER_US) for time_us in noted.token_infer_durations]
        return Generation(submitted_ns, list(result.tokens[0]), known_ns, within(submitted_ns, known_ns, infer_ns))

    def generated(self) -> None:
        self.compiled_models.generated()


def within(submitted_ns: int, known_ns: list[int], infer_ns: list[int]) -> list[int]:
    """Inferences that are longer than their step by no more than rounding are as long as it."""
    before = [submitted_ns, *known_ns]
    steps = [known - last for last, known in zip(before, known_ns)]
    return [step if step < infer <= step + ROUNDING_NS else infer for step, infer in zip(steps, infer_ns)]


def OnFirstToken(genai: Any, first_token: Callable[[], None]) -> Any:  # noqa: N802
    """A streamer that says when the first token is there. The pipeline may go on meanwhile, on another thread."""

    class Streamer(genai.StreamerBase):
        def __init__(self) -> None:
            super().__init__()
            self.waits = True

        def write(self, _token: Any) -> Any:
            if self.waits:
                self.waits = False
                first_token()
            return genai.StreamingStatus.RUNNING

        def end(self) -> None:
            pass

    return Streamer()


def with_tokenizer_ir(model: Path, scratch: str) -> str:
    """The scratch folder, with links to the model and a tokenizer IR of this release beside them.

    openvino_genai insists on an IR, although it is given token ids. One only loads surely in the release that made
    it, so that of the model's folder is used where there is nothing to make another from. The folder is never
    written to. The IR is made by a process of its own: what that takes of memory is not the pipeline's.
    """
    if not (model / "tokenizer.json").is_file():
        if (model / "openvino_tokenizer.xml").is_file():
            return str(model)
        raise Refused(
            f"`{model}` has neither tokenizer.json nor openvino_tokenizer.xml, and openvino_genai needs one",
            "put the model's own tokenizer.json there; or leave genai out of `--engines`",
        )
    script = str(Path(__file__).with_name("tokenizer_ir.py"))
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    subprocess.run([sys.executable, "-E", "-s", script, str(model), scratch], check=True, stdout=sys.stderr)
    return scratch


class pipeline_output:  # noqa: N801
    """Keeps what the pipeline prints while it loads: when verbose, it prints the properties in force."""

    LEVEL = "OPENVINO_LOG_LEVEL"
    DEBUG = "3"

    def __enter__(self) -> "pipeline_output":
        self._before = os.environ.get(self.LEVEL)
        os.environ[self.LEVEL] = self.DEBUG
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self._stdout = os.dup(1)
        os.dup2(self._file.fileno(), 1)
        return self

    def __exit__(self, *_: object) -> None:
        os.dup2(self._stdout, 1)
        os.close(self._stdout)
        del os.environ[self.LEVEL]
        if self._before is not None:
            os.environ[self.LEVEL] = self._before

    def read(self) -> str:
        self._file.seek(0)
        return self._file.read()


def model_properties(output: str) -> dict[str, str]:
    """The language model's properties; empty where a release prints them otherwise."""
    properties: dict[str, str] = {}
    is_the_model = False
    for line in output.splitlines():
        if line.startswith("Model: "):
            is_the_model = line in MODEL_HEADINGS
        elif is_the_model and line.startswith("  "):
            name, _, value = line.strip().partition(":")
            properties[name] = value.strip()
    kept = (*openvino_side.READ_BACK, "LOADED_FROM_CACHE")
    return {name: value for name, value in properties.items() if name in kept}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attention", choices=BACKENDS, default="sdpa")
    serve(Genai(parser.parse_args().attention))
