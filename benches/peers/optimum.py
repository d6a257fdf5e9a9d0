"""optimum-intel's `OVModelForCausalLM.generate` as a worker of arcgauge: the engine of the published benchmark."""

import json
import logging
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import openvino_side
from worker import Generation, Loaded, Resolved, now_ns, serve

# This file is called as the package is that it imports: from here on its folder is not looked into.
sys.path.pop(0)


class Optimum:
    """Greedy generation by transformers, with OpenVINO's stateful model underneath."""

    def __init__(self) -> None:
        self.name = f"optimum-intel {version('optimum-intel')} with transformers {version('transformers')}"

    def resolve(self, command: dict[str, Any]) -> Resolved:
        # A model that is named by its folder needs no hub.
        os.environ["HF_HUB_OFFLINE"] = "1"
        self.resolved = openvino_side.resolve(command, self.name)
        self.compiled_models = openvino_side.CompiledModels(
            command, self.name, self.resolved.device, self.resolved.properties_requested
        )
        self.properties = dict(self.resolved.properties_requested)
        # An empty one keeps optimum-intel from choosing a folder beside the model, which is never written to.
        self.properties["CACHE_DIR"] = self.compiled_models.prepare()
        self.model_dir = Path(command["model_dir"])
        import torch
        from optimum.intel import OVModelForCausalLM
        from transformers import GenerationConfig

        # What it says of each load is nothing that a user could do anything about.
        logging.getLogger("optimum").setLevel(logging.ERROR)
        self.torch, self.model_class, self.config_class = torch, OVModelForCausalLM, GenerationConfig
        return self.resolved

    def load(self) -> Loaded:
        started_ns = now_ns()
        self.model = self.model_class.from_pretrained(
            self.model_dir, device=self.resolved.device, ov_config=self.properties
        )
        self.model.compile()
        ended_ns = now_ns()
        compiled = self.model.request.get_compiled_model()
        properties = {}
        for name in {*openvino_side.READ_BACK, *self.resolved.properties_requested, "LOADED_FROM_CACHE"}:
            try:
                properties[name] = openvino_side.as_text(compiled.get_property(name))
            except RuntimeError:
                pass  # this device has no such property
        from_cache = openvino_side.as_bool(properties.pop("LOADED_FROM_CACHE", None))
        self.model.request = self.request = TimedRequest(self.model.request)
        config = json.loads((self.model_dir / "config.json").read_text())
        return Loaded(
            load_started_ns=started_ns,
            load_ended_ns=ended_ns,
            execution_devices=properties.get("EXECUTION_DEVICES", ""),
            **self.compiled_models.loaded(properties, from_cache),
            vocabulary_size=config["vocab_size"],
            context_tokens=config.get("max_position_embeddings"),
            attention="sdpa",
        )

    def generate(self, ids: list[int], new_tokens: int, first_token: Callable[[], None] | None) -> Generation:
        # The model's own settings are replaced, as `generate` falls back to them and would stop at their end token.
        self.model.generation_config = self.config_class(
            max_new_tokens=new_tokens, do_sample=False, pad_token_id=self.model.config.pad_token_id
        )
        prompt = self.torch.tensor([ids])
        mask = self.torch.ones_like(prompt)
        noted = NotedTokens(first_token)
        self.request.infer_ns = []
        submitted_ns = now_ns()
        output = self.model.generate(input_ids=prompt, attention_mask=mask, streamer=noted)
        tokens = output[0, len(ids) :].tolist()
        return Generation(submitted_ns, tokens, noted.known_ns, self.request.infer_ns)

    def generated(self) -> None:
        self.compiled_models.generated()


class NotedTokens:
    """A streamer: hears the prompt, then of each token as soon as it is known on the host, and notes when."""

    def __init__(self, first_token: Callable[[], None] | None) -> None:
        self.known_ns: list[int] = []
        self._first_token = first_token
        self._hears_prompt = True

    def put(self, _tokens: Any) -> None:
        if self._hears_prompt:
            self._hears_prompt = False
            return
        self.known_ns.append(now_ns())
        if len(self.known_ns) == 1 and self._first_token is not None:
            self._first_token()

    def end(self) -> None:
        pass


class TimedRequest:
    """An inference request that notes how long each inference took, from its start until it has been waited for."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self.infer_ns: list[int] = []

    def start_async(self, *arguments: Any, **named: Any) -> None:
        self._started_ns = now_ns()
        self._request.start_async(*arguments, **named)

    def wait(self) -> None:
        self._request.wait()
        self.infer_ns.append(now_ns() - self._started_ns)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)


if __name__ == "__main__":
    serve(Optimum())
