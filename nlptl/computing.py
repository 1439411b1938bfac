"""Where and in which numbers a run computes: device, processes, precision. Accelerate knows the processes, torch the
numbers.
"""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nlptl import precision

if TYPE_CHECKING:
    from accelerate import Accelerator

Numbers = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class Computing:
    """One process's view of the machine."""

    accelerator: Accelerator
    device: Any
    """The torch device of this process. Not the accelerator's: that is one for all accelerators of a process."""
    numbers: Numbers
    scaler: Any = None
    """fp16 alone: keeps small gradients from vanishing; a step whose gradient overflows is skipped."""

    @property
    def main(self) -> bool:
        """Whether this process is the one that writes and speaks."""
        return bool(self.accelerator.is_main_process)

    def forward(self, numbers: Numbers | None = None) -> contextlib.AbstractContextManager[Any]:
        """Give the context of a forward pass: weights stay fp32, matrix products are computed in `numbers`.

        Not accelerate's `mixed_precision`: that is one setting for the whole process, and a process may open two
        models.
        """
        import torch

        chosen = numbers or self.numbers
        if chosen == "fp32":
            return contextlib.nullcontext()
        kind = torch.bfloat16 if chosen == "bf16" else torch.float16
        return torch.autocast(self.device.type, dtype=kind)

    def wait(self) -> None:
        """Meet the other processes."""
        self.accelerator.wait_for_everyone()


@functools.cache
def _threads_at_first() -> int:
    """Give how many threads torch had before any run changed it."""
    import torch

    return torch.get_num_threads()


def open_machine(device: str, numbers: Numbers, threads: int | None = None) -> Computing:
    """Choose device, threads and kernels. Raises BadInput where the device or the precision is not to be had here."""
    import torch
    from accelerate import Accelerator

    chosen = precision.device_of(device)  # type: ignore[arg-type]
    # Both are settings of the process: what an earlier run in it asked for must not stay.
    torch.set_float32_matmul_precision("highest")
    precision.kernels(chosen, numbers)
    torch.set_num_threads(threads or _threads_at_first())
    _forget_device(chosen)
    accelerator = Accelerator(cpu=chosen == "cpu", mixed_precision="no")
    assert accelerator.device.type == chosen, f"asked for {chosen}, accelerate gives {accelerator.device}"
    scaler = torch.amp.GradScaler(chosen) if numbers == "fp16" else None
    return Computing(accelerator, accelerator.device, numbers, scaler)


def _forget_device(chosen: str) -> None:
    """Let accelerate choose its device anew: it keeps the first one of a process, whatever is asked for later. And its
    precision, which another library (transformers' Trainer, say) may have chosen before.
    """
    from accelerate.state import AcceleratorState, PartialState

    if not PartialState._shared_state:  # to ask would make one, for a device that nobody chose
        return
    if PartialState().num_processes > 1:
        return
    if PartialState().device.type != chosen:
        AcceleratorState._reset_state(reset_partial_state=True)
    elif AcceleratorState._shared_state.get("_mixed_precision", "no") != "no":
        AcceleratorState._reset_state()
