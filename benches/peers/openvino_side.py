"""What both peers ask of OpenVINO's own Python package: the device, the properties, the cache of compiled models."""

import hashlib
import json
from pathlib import Path
from typing import Any

import openvino as ov

from worker import Refused, Settled

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
"""Properties that are told as they are in force."""


def settle(command: dict[str, Any], engine: str) -> Settled:
    """The device that was asked for, without falling back to another: the supervisor has settled that before."""
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
    cache = compiled_model_cache(command, engine, device, properties)
    return Settled(
        openvino_version=version,
        openvino_build=build,
        device=device,
        properties_asked=properties,
        compiled_model_cache="off" if cache is None else "warm" if is_filled(cache) else "cold",
        gpu_name=told(core, "GPU", "FULL_DEVICE_NAME"),
        facts={
            "full_name": told(core, device, "FULL_DEVICE_NAME"),
            "driver_version": told(core, device, "GPU_DRIVER_VERSION"),
            "execution_units": number(told(core, device, "GPU_EXECUTION_UNITS_COUNT")),
            "memory_bytes": number(told(core, device, "GPU_DEVICE_TOTAL_MEM_SIZE")),
        },
    )


def compiled_model_cache(
    command: dict[str, Any], engine: str, device: str, properties: dict[str, str]
) -> Path | None:
    """The engine's own folder of compiled models. The CPU compiles in seconds and keeps none."""
    if command.get("compiled_models") is None or not device.startswith("GPU"):
        return None
    made_of = json.dumps([engine, command["model_sha256"], device, ov.get_version(), sorted(properties.items())])
    return Path(command["compiled_models"]) / f"peer-{hashlib.sha256(made_of.encode()).hexdigest()[:32]}"


def is_filled(cache: Path) -> bool:
    """Whether an earlier load left compiled kernels."""
    return cache.is_dir() and any(cache.iterdir())


def told(core: ov.Core, device: str, name: str) -> str | None:
    """A device's property; None where it has none."""
    try:
        return str(core.get_property(device, name))
    except RuntimeError:
        return None


def number(text: str | None) -> int | None:
    """A number that a property says."""
    return int(text) if text is not None and text.isdigit() else None


def as_text(value: Any) -> str:
    """A property's value, as arcgauge writes it."""
    if isinstance(value, ov.Type):
        return value.get_type_name()
    if isinstance(value, (list, tuple, set)):
        return " ".join(as_text(part) for part in value)
    return str(getattr(value, "name", value))
