"""Do arcgauge, openvino_genai and optimum-intel give the same greedy tokens?

    pip install --require-hashes --requirement benches/peers/requirements-optimum.txt
    python benches/peers/compare_tokens.py --arcgauge target/release/arcgauge

Every engine continues every prompt by 200 greedy tokens on the CPU: the three reference prompts with the plugin's
default precision, and these and ten that no fixture knows in f32, once with the plugin's dynamic quantisation of
activations and once without. Prompts go in as token ids, because openvino_genai puts text into a chat template.
Without --arcgauge the two peers are compared with each other.

arcgauge states precisions that the peers leave to the plugin, and on the CPU turns dynamic quantisation off. Engines
compute alike only with like properties, so arcgauge is given what the plugin reads back for the peers'.

Exits with 0 if all tokens are equal, or differ only where the two best logits are so close that rounding decides.
"""

import argparse
import contextlib
import gc
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import openvino as ov

# optimum.py beside this file is not the package of that name: from here on the folder is not looked into.
sys.path.pop(0)

NEW_TOKENS = 200
DEVICE = "CPU"
SMALL_MODEL = Path(__file__).parents[2] / "fixtures/models/tiny-gpt-oss"

REFERENCE_PROMPTS = {
    "moe-vs-dense": "Explain the key differences between MoE and dense transformers.",
    "fibonacci": "Write a Python function that computes Fibonacci numbers with memoization and explain how it works.",
    "openvino-advantages": "What are the main advantages of using OpenVINO for large language model inference "
    "on Intel hardware?",
}

# Off the trained text the small model's margins are narrow, so these would show a difference that the reference
# prompts hide. Their lengths run from one token to more than the sliding window of 128.
FURTHER_PROMPTS = {
    "one letter": "A",
    "a number": "1234567890",
    "a question": "How many experts does a router choose?",
    "a near miss": "Explain the key differences between dense transformers and MoE.",
    "code": "fn main() {\n    let numbers: Vec<u64> = (0..10).map(fibonacci).collect();\n}",
    "another language": "Wie viele Gewichte ruhen bei jedem Schritt? Größer, schöner, weiter.",
    "other scripts": "推論は速い。Скорость важна. 🚀",
    "white space": "  memory\t\tand\n\n\n   compute   ",
    "repetition": "token " * 40,
    "a long story": "The small router looked at the tokens that came down the line and sent each of them to four of "
    "its experts. Most slept. One of them, the seventh, had learnt nothing in all of its training, and was never "
    "called. It kept the weights it was born with and waited. When the model was compressed to four bits, the seventh "
    "expert felt its numbers move to the nearest step, and wondered whether that was what being needed was like.",
}


STATED_BY_ARCGAUGE = ("INFERENCE_PRECISION_HINT", "KV_CACHE_PRECISION", "DYNAMIC_QUANTIZATION_GROUP_SIZE")
"""Compile properties that change the numbers and that arcgauge always sets."""


class Series(NamedTuple):
    """How the engines compute, and how narrow a lead of the first logit is still decided by rounding."""

    name: str
    properties: dict[str, str]
    """What the peers are given."""
    near_tie: float
    effective: dict[str, str]
    """What the plugin makes of it, and what arcgauge is given."""


# Bfloat16 keeps 8 bits: logits between 16 and 32 are 0.125 apart. In f32 only the order of sums differs.
DEFAULT = Series("default", {}, 0.125, {})
F32 = Series("f32", {"INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "f32"}, 0.001, {})
EXACT = Series("f32 exact", F32.properties | {"DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}, 0.001, {})


class Answer(NamedTuple):
    """One engine's tokens and, from an engine that reports it, the lead of the first logit at each."""

    tokens: list[int]
    gaps: list[float] | None


Prompts = dict[str, list[int]]
Engine = Callable[[Path, Series, Prompts], dict[str, Answer]]


def arcgauge(binary: Path) -> Engine:
    """arcgauge itself, one process a prompt."""

    def answers(model: Path, series: Series, prompts: Prompts) -> dict[str, Answer]:
        options = [option for item in series.effective.items() for option in ("--property", "=".join(item))]
        return {name: answer(model, ids, options) for name, ids in prompts.items()}

    def answer(model: Path, ids: list[int], options: list[str]) -> Answer:
        command = [str(binary), "infer", "--device", DEVICE, "--model-dir", str(model)]
        command += ["--token-ids", ",".join(map(str, ids)), "--max-new-tokens", str(NEW_TOKENS)]
        command += ["--format", "json", *options]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode != 0:
            raise SystemExit(f"arcgauge failed with {run.returncode}: `{' '.join(command)}`\n{run.stderr}")
        reply = json.loads(run.stdout)
        if reply["prompt_token_ids"] != ids:
            raise SystemExit(f"arcgauge was given {ids} and answered about {reply['prompt_token_ids']}")
        return Answer(reply["token_ids"], reply["top_logit_margins"])

    return answers


def openvino_genai(model: Path, series: Series, prompts: Prompts) -> dict[str, Answer]:
    """`LLMPipeline` on its stateful backend: by default it would use paged attention."""
    import openvino_genai as genai

    with with_tokenizer_ir(model) as folder:
        pipeline = genai.LLMPipeline(folder, DEVICE, ATTENTION_BACKEND="SDPA", **series.properties)
    # `ignore_eos` alone: `min_new_tokens` would forbid the end token instead of passing over it.
    config = genai.GenerationConfig(max_new_tokens=NEW_TOKENS, do_sample=False, ignore_eos=True)
    return {
        name: Answer(list(pipeline.generate(ov.Tensor(np.array([ids], np.int64)), config).tokens[0]), None)
        for name, ids in prompts.items()
    }


def optimum_intel(model: Path, series: Series, prompts: Prompts) -> dict[str, Answer]:
    """`OVModelForCausalLM.generate`, the engine of the published benchmark."""
    import torch
    from optimum.intel import OVModelForCausalLM
    from transformers import GenerationConfig

    causal_lm = OVModelForCausalLM.from_pretrained(model, device=DEVICE, ov_config=series.properties or None)
    # The model's own settings are replaced, as `generate` falls back to them and would stop at their end token.
    causal_lm.generation_config = GenerationConfig(
        max_new_tokens=NEW_TOKENS,
        do_sample=False,
        pad_token_id=causal_lm.config.pad_token_id,
        output_logits=True,
        return_dict_in_generate=True,
    )
    answers = {}
    for name, ids in prompts.items():
        prompt = torch.tensor([ids])
        output = causal_lm.generate(input_ids=prompt, attention_mask=torch.ones_like(prompt))
        best = torch.cat(output.logits).float().topk(2).values
        answers[name] = Answer(output.sequences[0, len(ids) :].tolist(), (best[:, 0] - best[:, 1]).tolist())
    return answers


@contextlib.contextmanager
def with_tokenizer_ir(model: Path) -> Iterator[Path]:
    """A passing folder of links to the model, with the tokenizer IR that openvino_genai insists on.

    The IR only loads in the release that made it, so the model's own folder holds none and is not written to.
    """
    from openvino_tokenizers import convert_tokenizer
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(model / "tokenizer.json"), model_input_names=["input_ids", "attention_mask"]
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for file in model.iterdir():
            if file.is_file():
                (folder / file.name).symlink_to(file.resolve())
        for name, part in zip(("tokenizer", "detokenizer"), convert_tokenizer(tokenizer, with_detokenizer=True)):
            ov.save_model(part, folder / f"openvino_{name}.xml")
        yield folder


def resolve(model: Path, series: Series) -> Series:
    """Asks the plugin what it makes of the series for this model on this processor."""
    compiled = ov.Core().compile_model(model / "openvino_model.xml", DEVICE, series.properties)
    values = {name: compiled.get_property(name) for name in STATED_BY_ARCGAUGE}
    effective = {
        name: value.get_type_name() if isinstance(value, ov.Type) else str(value) for name, value in values.items()
    }
    return series._replace(effective=effective)


def encode(model: Path, texts: dict[str, str]) -> Prompts:
    """Token ids of the prompts."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    return {name: tokenizer.encode(text).ids for name, text in texts.items()}


class Row(NamedTuple):
    """What the engines said to one prompt."""

    prompt: str
    prompt_tokens: int
    series: Series
    verdict: str
    position: int | None
    """Where the first difference is."""
    gap: float | None
    """The widest lead of the first logit there that an engine reports; all engines had read the same tokens so far."""

    @property
    def near_tie(self) -> bool:
        return self.gap is not None and self.gap < self.series.near_tie


def compare(prompt: str, prompt_tokens: int, series: Series, answers: dict[str, Answer]) -> Row:
    """Groups the engines by what they said and finds the first difference."""
    for engine, answer in answers.items():
        if len(answer.tokens) != NEW_TOKENS:
            raise SystemExit(f"{engine} gave {len(answer.tokens)} tokens instead of {NEW_TOKENS} for `{prompt}`")
    groups: dict[tuple[int, ...], list[str]] = {}
    for engine, answer in answers.items():
        groups.setdefault(tuple(answer.tokens), []).append(engine)
    if len(groups) == 1:
        return Row(prompt, prompt_tokens, series, f"all {len(answers)} equal", None, None)
    verdict = " | ".join(" = ".join(engines) for engines in groups.values())
    position = next(at for at, tokens in enumerate(zip(*groups)) if len(set(tokens)) > 1)
    gap = max((answer.gaps[position] for answer in answers.values() if answer.gaps), default=None)
    return Row(prompt, prompt_tokens, series, verdict, position, gap)


def table(rows: list[Row]) -> str:
    """The rows in aligned columns."""
    cells = [("prompt", "tokens", "hints", "engines", "first difference", "gap there")]
    for row in rows:
        position = "-" if row.position is None else f"token {row.position}"
        gap = "-" if row.gap is None else f"{row.gap:.4f}{' (near-tie)' if row.near_tie else ''}"
        cells.append((row.prompt, str(row.prompt_tokens), row.series.name, row.verdict, position, gap))
    widths = [max(map(len, column)) for column in zip(*cells)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in cells)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arcgauge", type=Path, metavar="PATH", help="the arcgauge binary")
    parser.add_argument("--model-dir", type=Path, default=SMALL_MODEL, help="default: the small model")
    arguments = parser.parse_args()
    model: Path = arguments.model_dir
    for name in ("openvino_model.xml", "tokenizer.json"):
        if not (model / name).is_file():
            raise SystemExit(f"`{model}` holds no `{name}`\n\nhint: name a folder that does with --model-dir")

    engines: dict[str, Engine] = {"genai": openvino_genai, "optimum": optimum_intel}
    if arguments.arcgauge:
        if not arguments.arcgauge.is_file():
            raise SystemExit(f"`{arguments.arcgauge}` is no file\n\nhint: build it with `cargo build --release`")
        engines = {"arcgauge": arcgauge(arguments.arcgauge.resolve()), **engines}

    reference, further = encode(model, REFERENCE_PROMPTS), encode(model, FURTHER_PROMPTS)
    every = reference | further
    rows: list[Row] = []
    print(f"OpenVINO {ov.get_version()}")
    for series, prompts in ((DEFAULT, reference), (F32, every), (EXACT, every)):
        series = settle(model, series)
        effective = " ".join("=".join(item) for item in series.effective.items())
        print(f"{series.name}: {effective}; near-tie: gap below {series.near_tie}", flush=True)
        answers: dict[str, dict[str, Answer]] = {}
        for engine, answer in engines.items():
            print(f"  {engine}: {len(prompts)} prompts", file=sys.stderr, flush=True)
            answers[engine] = answer(model, series, prompts)
            gc.collect()  # one large model in memory at a time
        rows += [
            compare(name, len(ids), series, {engine: answers[engine][name] for engine in engines})
            for name, ids in prompts.items()
        ]

    print(f"\n{table(rows)}")

    different = [row for row in rows if row.position is not None]
    near_ties = [row for row in different if row.near_tie]
    passed = len(different) == len(near_ties)
    print(
        f"\n{'PASS' if passed else 'FAIL'}: {', '.join(engines)}: {len(rows) - len(different)} of {len(rows)} "
        f"generations equal in all {NEW_TOKENS} tokens, {len(near_ties)} part at a near-tie, "
        f"{len(different) - len(near_ties)} differ"
    )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
