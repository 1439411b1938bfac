"""Batches to predictions to scores. Every row is counted once, by its id, however many processes there are."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from nlptl.computing import Computing, Numbers
from nlptl.data.batches import evaluation_batches
from nlptl.errors import BadInput
from nlptl.tasks import Backbone, Batch, Feature, Partial, Prediction, Row, Task

CPU_TOKENS = 2048
"""Padded tokens of a batch on a CPU: with 16,384 what a layer hands on outgrows the cache, at 0.65 of the speed."""

Replay = Callable[[Batch], contextlib.AbstractContextManager[Any]]

if TYPE_CHECKING:
    from torch import nn


def partials_of(
    module: nn.Module, task: Task, features: Sequence[Feature], backbone: Backbone, fitted: Any, *,
    computing: Computing, numbers: Numbers | None = None, micro_tokens: int,
    seen: Callable[[int], None] = lambda count: None, replay: Replay = contextlib.nullcontext,
) -> list[Partial]:  # fmt: skip
    """Run the model over features, sorted by length, and give what each says, in no order.

    The batches do not depend on the number of processes, which take turns; `numbers` overrides the precision; `seen`
    is told how many features are done; within `replay` a batch is computed.
    """
    import torch
    from accelerate.utils import gather_object

    module.eval()
    accelerator, on_cpu = computing.accelerator, computing.device.type == "cpu"
    batches = evaluation_batches(features, tokens=min(micro_tokens, CPU_TOKENS) if on_cpu else micro_tokens)
    found: list[Partial] = []
    with torch.inference_mode(), computing.forward(numbers):
        for chosen in batches[accelerator.process_index :: accelerator.num_processes]:
            batch = task.collate(chosen, backbone, fitted)
            inputs = {name: tensor.to(computing.device) for name, tensor in batch.inputs.items()}
            batch = Batch(batch.features, inputs, {})
            with replay(batch):
                found += task.decode(module, batch, backbone, fitted)
            seen(len(chosen))
    if accelerator.num_processes > 1:
        found = gather_object(found)
    return found


def predictions_of(
    task: Task, rows: Sequence[Row], partials: Sequence[Partial], backbone: Backbone, fitted: Any
) -> list[Prediction]:
    """Merge partials into one prediction a row, in the order of the rows. Each row must have its own, once."""
    by_row: dict[str, dict[int, Partial]] = {row.id: {} for row in rows}
    assert len(by_row) == len(rows), "two rows have one id"
    for partial in partials:
        windows = by_row[partial.row_id]
        assert partial.window not in windows, f"window {partial.window} of row {partial.row_id} was computed twice"
        windows[partial.window] = partial
    lost = [row_id for row_id, windows in by_row.items() if sorted(windows) != list(range(len(windows))) or not windows]
    assert not lost, f"rows without their predictions: {lost[:5]}"
    return [
        task.merge(row, [by_row[row.id][window] for window in sorted(by_row[row.id])], backbone, fitted) for row in rows
    ]


def check_gold(task: Task, rows: Sequence[Row], fitted: Any, subject: str) -> None:
    """Score gold against gold: whatever cannot reach the best score would make every other score wrong too."""
    scores = task.score([task.gold(row, fitted) for row in rows], rows, fitted)
    name, value = next(iter(scores.metrics.items()))
    wrong = [
        row_id for row_id, right in zip(scores.row_ids, scores.per_example["correct"], strict=True) if right != 1.0
    ]
    if wrong:
        raise BadInput(subject, f"gold against gold gives {name} {value:.4f}, not 1; rows: {', '.join(wrong[:5])}")


def by_language(
    rows: Sequence[Row], languages: Sequence[str] | Literal["all"] | None
) -> Iterator[tuple[str, list[Row]]]:
    """Yield ("", all rows) where no language is named, else each named language with its rows; "all": each that there
    is, in the order of the rows.
    """
    if languages is None:
        yield "", list(rows)
        return
    for language in dict.fromkeys(row.language for row in rows) if languages == "all" else languages:
        yield language, [row for row in rows if row.language == language]


def witnesses(
    module: nn.Module, task: Task, rows: Sequence[Row], backbone: Backbone, fitted: Any, computing: Computing
) -> list[Any]:
    """Give the numbers of the reload gate for a few rows, one batch, in fp32, on this process alone."""
    import torch

    module.eval()
    batch = task.collate(task.encode(rows, backbone, fitted, "predict"), backbone, fitted)
    inputs = {name: tensor.to(computing.device) for name, tensor in batch.inputs.items()}
    with torch.inference_mode():
        return task.witness(module, Batch(batch.features, inputs, {}), backbone, fitted)
