"""What this machine can compute with, and which kernels the matrix products go through."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from nlptl.errors import BadInput, Problem

Device = Literal["cpu", "cuda", "mps"]
Numbers = Literal["fp32", "bf16", "fp16"]

EXACT = 1e-5
"""Largest relative error of a product that counts as fp32: fp32 gives 1e-6 at these shapes, bf16 4e-3."""


@dataclass(frozen=True)
class Kernels:
    """How a device computes."""

    device: Device
    name: str
    """The processor's or the card's."""
    numbers: Numbers
    native: tuple[Numbers, ...]
    """The formats that the device multiplies at full speed."""
    onednn_fp32: bool
    """fp32 products go through oneDNN, which takes about half the time of torch's default on some processors."""
    amx: bool


def device_of(wanted: Literal["auto"] | Device) -> Device:
    """Give where to compute; "auto" takes an accelerator if there is one. Raises BadInput for one that is not there.
    """
    there = _devices()
    if wanted == "auto":
        return there[-1]
    if wanted not in there:
        what = f"no {wanted} device here; torch sees {', '.join(there)}"
        raise BadInput("machine.device", Problem(what, fix="take 'auto', or install the torch build for it"))
    return wanted


def kernels(device: Device, numbers: Numbers) -> Kernels:
    """Choose the kernels for fp32 products, for the whole process, and give what is used.

    Raises BadInput for a format that the device does not have.
    """
    found = examine(device, numbers)
    if numbers not in found.native:
        has = ", ".join(found.native)
        what = f"{numbers} is not to be had on {device} ({found.name}), which has {has}"
        raise BadInput("precision", Problem(what, fix=f"take one of {has}" if len(found.native) > 1 else "take fp32"))
    if device == "cpu":
        _route("medium" if found.onednn_fp32 else "highest")
    return found


def examine(device: Device, numbers: Numbers) -> Kernels:
    """Give what the device has; changes nothing."""
    import torch

    if device == "cuda":
        major, minor = torch.cuda.get_device_capability()
        name = f"{torch.cuda.get_device_name()}, capability {major}.{minor}"
        halves: tuple[Numbers, ...] = ("fp32", "fp16", "bf16") if major >= 8 else ("fp32", "fp16")
        return Kernels(device, name, numbers, halves, False, False)
    if device == "mps":
        return Kernels(device, "Apple GPU", numbers, ("fp32",), False, False)
    flags = _flags()
    amx = bool(flags.get("amx_tile") or flags.get("amx_bf16"))
    bf16 = any("bf16" in flag and value is True for flag, value in flags.items())
    native: tuple[Numbers, ...] = ("fp32", "bf16") if bf16 else ("fp32",)
    name = str(flags.get("cpu_name", "processor"))
    return Kernels(device, name, numbers, native, not amx and _onednn_is_exact(), amx)


def describe() -> dict[str, Any]:
    """Give what `nlptl doctor` says of computing: one entry for each device, and what bf16 would use."""
    import torch

    found: dict[str, Any] = {"threads": torch.get_num_threads(), "auto": device_of("auto")}
    for device in _devices():
        one = examine(device, "fp32")
        found[device] = f"{one.name}; {', '.join(one.native)}"
        if device == "cpu":
            found["fp32 on cpu"] = "oneDNN" if one.onednn_fp32 else "torch's default"
            found["AMX"] = one.amx
    return found


@contextlib.contextmanager
def as_fp32() -> Iterator[None]:
    """Compute fp32 products in full fp32, whatever is set: what is compared across machines must not depend on a
    shortcut.
    """
    import torch

    before = torch.get_float32_matmul_precision()
    _route("highest")
    try:
        yield
    finally:
        _route(before)


def _devices() -> list[Device]:
    import torch

    found: list[Device] = ["cpu"]
    if torch.backends.mps.is_available():
        found.append("mps")
    if torch.cuda.is_available():
        found.append("cuda")
    return found


def _flags() -> dict[str, Any]:
    """Give what torch knows of the processor (a function since 2.9), or for older ones what it can be asked singly."""
    import torch

    cpu: Any = torch.cpu
    if hasattr(cpu, "get_capabilities"):
        return dict(cpu.get_capabilities())
    asked = {"amx_tile": "_is_amx_tile_supported", "avx512_bf16": "_is_avx512_bf16_supported"}
    return {flag: bool(getattr(cpu, name, bool)()) for flag, name in asked.items()}


@functools.cache
def _onednn_is_exact() -> bool:
    """Say whether "medium", which sends fp32 products to oneDNN, leaves them fp32 here: tried, not guessed (1 ms).

    With AMX oneDNN rounds the operands to bf16; what a later version does without AMX is not promised anywhere.
    """
    import torch

    generator = torch.Generator().manual_seed(0)
    left, right = torch.randn(256, 384, generator=generator), torch.randn(384, 384, generator=generator)
    before = torch.get_float32_matmul_precision()
    try:
        _route("medium")
        error = (left @ right).double() - left.double() @ right.double()
    finally:
        _route(before)
    return float(error.abs().max() / (left.double() @ right.double()).abs().max()) < EXACT


def _route(setting: str) -> None:
    import torch

    torch.set_float32_matmul_precision(setting)
