"""What the machine can compute with, and that the choice of kernels keeps fp32 fp32."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from nlptl import precision
from nlptl.errors import BadInput


@pytest.fixture(autouse=True)
def _setting() -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


def _pretend(monkeypatch: pytest.MonkeyPatch, flags: dict[str, Any]) -> None:
    monkeypatch.setattr(precision, "_flags", lambda: {"cpu_name": "Abacus", **flags})


def test_fp32_products_are_fp32_whatever_is_chosen() -> None:
    precision.kernels("cpu", "fp32")
    left, right = torch.randn(300, 512), torch.randn(512, 384)
    exact = left.double() @ right.double()
    assert float(((left @ right).double() - exact).abs().max() / exact.abs().max()) < 1e-5


def test_amx_keeps_torchs_default(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, {"amx_tile": True, "amx_bf16": True, "avx512_bf16": True})
    found = precision.kernels("cpu", "bf16")
    assert (found.amx, found.onednn_fp32) == (True, False)
    assert torch.get_float32_matmul_precision() == "highest"


def test_onednn_that_rounds_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, {})
    monkeypatch.setattr(precision, "_onednn_is_exact", lambda: False)
    assert not precision.kernels("cpu", "fp32").onednn_fp32
    assert torch.get_float32_matmul_precision() == "highest"
    monkeypatch.setattr(precision, "_onednn_is_exact", lambda: True)
    assert precision.kernels("cpu", "fp32").onednn_fp32
    assert torch.get_float32_matmul_precision() == "medium"


@pytest.mark.parametrize(("flags", "numbers"), [({}, "bf16"), ({}, "fp16"), ({"avx512_bf16": True}, "fp16")])
def test_what_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, flags: dict[str, Any], numbers: Any) -> None:
    _pretend(monkeypatch, flags)
    with pytest.raises(BadInput, match=f"{numbers} is not to be had on cpu .Abacus., which has fp32") as found:
        precision.kernels("cpu", numbers)
    assert "take" in str(found.value)


def test_bf16_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, {"avx512_bf16": True})
    assert precision.kernels("cpu", "bf16").native == ("fp32", "bf16")


@pytest.mark.parametrize(("capability", "has"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_cuda_has_bf16_from_capability_8(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], has: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "card")
    assert ("bf16" in precision.examine("cuda", "fp32").native) == has
    assert "fp16" in precision.examine("cuda", "fp32").native


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_devices", lambda: ["cpu"])
    assert precision.device_of("auto") == "cpu"
    with pytest.raises(BadInput, match="no cuda device here; torch sees cpu"):
        precision.device_of("cuda")
    monkeypatch.setattr(precision, "_devices", lambda: ["cpu", "cuda"])
    assert precision.device_of("auto") == "cuda"
    assert precision.device_of("cpu") == "cpu"


def test_as_fp32_sets_and_puts_back() -> None:
    torch.set_float32_matmul_precision("medium")
    with precision.as_fp32():
        assert torch.get_float32_matmul_precision() == "highest"
    assert torch.get_float32_matmul_precision() == "medium"


def test_describe_names_the_cpu() -> None:
    found = precision.describe()
    assert "fp32" in found["cpu"]
    assert found["threads"] >= 1


def test_importing_it_does_not_import_torch() -> None:
    code = "import sys, nlptl.precision; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
