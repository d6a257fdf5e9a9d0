"""What both peers ask of OpenVINO's own Python package: the device, the properties, the cache of compiled models."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import openvino as ov

from worker import Refused, Resolved

READ_BACK = (
    "PERFORMANCE_HINT",
    "EXECUTION_MODE_HINT",
    "INFERENCE_PRECISION_HINT",
    "KV_CACHE_PRECISION",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE",
    "NUM_STREAMS",
    "INFERENCE_NUM_THREADS",
    "EXECUTION_DEVICES",
)
"""Properties that are reported as they are in force."""
USED = "used"
"""Touched at each use, so that arcgauge can remove what was used longest ago."""
COLD_LOAD = "cold-load.json"
"""Written when a load and a generation have filled the folder."""


def resolve(command: dict[str, Any], engine: str) -> Resolved:
    """The device that was requested, without falling back to another: the supervisor has resolved it before."""
    build = ov.get_version()
    version = build.split("-")[0]
    pinned = command.get("pinned_version")
    if pinned is not None and pinned != version:
        raise Refused(
            f"this Python has OpenVINO `{version}`, and the run is of `{pinned}`",
            "compare engines on one OpenVINO: leave `--openvino` out",
        )
    core = ov.Core()
    device = command["device"]
    there = core.available_devices
    if device not in there and not any(name.startswith(f"{device}.") for name in there):
        raise Refused(f"OpenVINO sees no `{device}`, only `{'`, `'.join(there)}`", "run `cargo xtask doctor`")
    properties = dict(item.split("=", 1) for item in command["properties"])
    cache = CompiledModels(command, engine, device, properties)
    return Resolved(
        openvino_version=version,
        openvino_build=build,
        device=device,
        properties_requested=properties,
        compiled_model_cache=cache.state(),
        compiled_model_folder=None if cache.folder is None else str(cache.folder),
        gpu_name=full_name(core, "GPU"),
        facts={"full_name": full_name(core, device)},
    )


class CompiledModels:
    """The engine's own folder of compiled models. The CPU compiles in seconds and keeps none.

    A model that comes from it reads back other values of the same setting, so that what the load which filled it
    read back is kept beside it.
    """

    def __init__(self, command: dict[str, Any], engine: str, device: str, properties: dict[str, str]) -> None:
        self.folder: Path | None = None
        self.cold_properties: dict[str, str] | None = None
        self.read_back: dict[str, str] = {}
        if command.get("compiled_models") is None or not device.startswith("GPU"):
            return
        made_of = json.dumps([engine, command["model_sha256"], device, ov.get_version(), sorted(properties.items())])
        name = f"peer-{hashlib.sha256(made_of.encode()).hexdigest()[:32]}"
        self.folder = Path(command["compiled_models"]) / name
        try:
            self.cold_properties = json.loads((self.folder / COLD_LOAD).read_text())["properties_effective"]
        except (OSError, ValueError, KeyError):
            pass  # no load has filled it

    def state(self) -> str:
        """Whether a load compiles, and whether it fills the folder."""
        if self.folder is None:
            return "off"
        return "cold" if self.cold_properties is None else "warm"

    def prepare(self) -> str:
        """Makes the folder ready for a load and gives it as `CACHE_DIR`; removes what a killed load left."""
        if self.folder is None:
            return ""
        if self.cold_properties is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / USED).touch()
        return str(self.folder)

    def loaded(self, read_back: dict[str, str], from_cache: bool | None) -> dict[str, Any]:
        """The fields of `Loaded` that distinguish a warm load from a cold one."""
        self.read_back = read_back
        if self.cold_properties is None or from_cache is False:
            return {"properties_effective": read_back, "loaded_from_cache": from_cache}
        return {
            "properties_effective": self.cold_properties,
            "properties_warm": read_back,
            "loaded_from_cache": from_cache,
        }

    def generated(self) -> None:
        """A load and a generation have ended well."""
        if self.folder is not None and self.cold_properties is None:
            self.cold_properties = self.read_back
            (self.folder / COLD_LOAD).write_text(json.dumps({"properties_effective": self.read_back}))


def full_name(core: ov.Core, device: str) -> str | None:
    """A device's name; None where there is no such device. What else is known of it arcgauge reads itself."""
    try:
        return str(core.get_property(device, "FULL_DEVICE_NAME"))
    except RuntimeError:
        return None


def as_bool(text: str | None) -> bool | None:
    """`LOADED_FROM_CACHE`, however a release writes it."""
    return {"true": True, "yes": True, "false": False, "no": False}.get((text or "").lower())


def as_text(value: Any) -> str:
    """A property's value, as arcgauge writes it."""
    if isinstance(value, ov.Type):
        return value.get_type_name()
    if isinstance(value, (list, tuple, set)):
        return " ".join(as_text(part) for part in value)
    return str(getattr(value, "name", value))
