"""The loop: a generator of steps. Arithmetic only; what to do with a step is decided by who iterates."""

from __future__ import annotations

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from nlptl import aligning, groups, seeds
from nlptl.computing import Computing
from nlptl.data.batches import StepPlan, micro_batches
from nlptl.errors import NumericFailure
from nlptl.frozen import Frozen
from nlptl.recipe import Train
from nlptl.tasks import Batch, Feature, Loss, Model
from nlptl.tuning import Forward, Phase, Tuning

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nlptl.modules.dropout import Noise
    from nlptl.modules.embedding import TrimmedEmbedding
    from nlptl.tuning import Memory


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step, after it was taken."""

    number: int
    epoch: int
    loss: float
    """Mean over the step's examples (or their weights), over all processes; penalties of tunings are not in it."""
    gradient_norm: float | None
    """Before clipping; None where it overflowed under fp16 and the step was skipped."""
    learning_rate: float
    examples: int
    tokens: int
    """Real tokens, padding not counted."""
    seconds: float


@dataclass
class Trained:
    """What moves: everything that the loop changes, and what it needs to change it."""

    computing: Computing
    module: nn.Module
    """As accelerate prepared it; under several processes a wrapper that averages gradients."""
    bare: nn.Module
    """The model itself."""
    optimizer: Any
    scales: list[float]
    """Each optimizer group's factor on the learning rate."""
    trimmed: TrimmedEmbedding | None
    noise: Noise | None
    frozen: Frozen
    world: int
    rank: int
    parameters: int
    """Of the whole model, untrimmed."""
    trainable: int
    model: Model
    """The module with the names and depths of its parameters."""
    phases: Sequence[Phase] = ()
    """What learns when; none: the same all the time."""
    memories: dict[str, Memory] = field(default_factory=dict)
    """What each kind of tuning keeps of the run, by kind."""


@dataclass(frozen=True)
class Verbs:
    """What the loop must be able to do with examples; a task's verbs with their settings filled in."""

    collate: Callable[[Sequence[Feature]], Batch]
    loss: Callable[[nn.Module, Batch], Loss]
    drawn: Callable[[Sequence[Feature], int, int], Sequence[Feature]] = lambda features, seed, step: features
    """Features as a step (seed, number) sees them."""
    target: Callable[[int], Sequence[Feature]] = lambda step: ()
    """The unlabelled features of a step, for kinds of tuning that align."""


def train(
    state: Trained, verbs: Verbs, plans: Iterable[StepPlan], *, total: int, settings: Train, tuning: Sequence[Tuning],
    seed: int, micro_tokens: int,
) -> Iterator[Step]:  # fmt: skip
    """Take one optimizer step a plan and yield it.

    `total` is the length of the whole run, on which the schedule depends. Raises NumericFailure when the loss or the
    norm of the gradient is not finite, before the weights are touched.
    """
    state.module.train()
    state.frozen.rest()
    for plan in plans:
        began = time.perf_counter()
        rate = groups.rate(plan.number, total, settings)
        for group, scale in zip(state.optimizer.param_groups, state.scales, strict=True):
            group["lr"] = rate * scale
        loss, norm = _gradient(
            state, verbs, plan, tuning, seed=seed, micro_tokens=micro_tokens, clip=settings.clip,
            part=plan.number / total,
        )  # fmt: skip
        moved = _move(state)
        state.optimizer.zero_grad(set_to_none=True)
        if moved and state.trimmed is not None and state.trimmed.weight.requires_grad:
            group = next(
                one for one in state.optimizer.param_groups if any(p is state.trimmed.weight for p in one["params"])
            )
            state.trimmed.decay_rest(1 - group["lr"] * group["weight_decay"])
        for kind in tuning if moved else ():
            kind.after_step(state.bare, state.memories[kind.kind], step=plan.number, total=total)
        tokens = sum(feature.size for feature in plan.features)
        yield Step(plan.number, plan.epoch, loss, norm, rate, len(plan.features), tokens, time.perf_counter() - began)


def _gradient(
    state: Trained,
    verbs: Verbs,
    plan: StepPlan,
    tuning: Sequence[Tuning],
    *,
    seed: int,
    micro_tokens: int,
    clip: float | None,
    part: float,
) -> tuple[float, float | None]:
    """Leave the gradient of the step's mean loss in the parameters; give that loss and the gradient's norm.

    Sums go backward, scaled by a constant so that their size is near that of a mean; one division by the true count,
    over all micro-batches and processes, ends it. So accumulation, uneven batches and the number of processes change
    nothing.
    """
    import torch

    with contextlib.ExitStack() as held:
        for kind in tuning:
            held.enter_context(kind.during(state.bare, state.memories[kind.kind], seed=seed, step=plan.number))
        if any(kind.aligns for kind in tuning):
            step = aligning.Texts(plan.features, verbs.target(plan.number), plan.number, part, micro_tokens)
            total, count, own = aligning.backward(
                state, step, tuning, lambda share: micro_loss(state, verbs, share, plan.number, tuning, seed),
                lambda share: _output(state, verbs, share, plan.number, seed),
            )
        else:
            total, count = _backward(state, verbs, plan, tuning, seed=seed, micro_tokens=micro_tokens)
            own = None
    loss = total / count if count else math.nan
    if state.computing.scaler is not None:
        state.computing.scaler.unscale_(state.optimizer)
    for parameter, gradient in own or ():
        parameter.grad = gradient
    if own is None and count not in (0.0, len(plan.features)):
        torch._foreach_mul_(_gradients(state), len(plan.features) / count)
    _add_penalties(state, tuning)
    gradients = _gradients(state)
    norm = float(torch.nn.utils.get_total_norm(gradients))
    _check_finite(loss, norm if state.computing.scaler is None else 0.0, plan)
    if clip is not None and norm > clip:
        torch._foreach_mul_(gradients, clip / norm)
    return loss, norm if math.isfinite(norm) else None


def _gradients(state: Trained) -> list[Tensor]:
    return [parameter.grad for parameter in state.bare.parameters() if parameter.grad is not None]


def _backward(
    state: Trained, verbs: Verbs, plan: StepPlan, tuning: Sequence[Tuning], *, seed: int, micro_tokens: int
) -> tuple[float, float]:
    """Run all micro-batches of a step forward and back; give the sum of losses and the count, over all processes."""
    import torch

    shares = micro_batches(plan.features, tokens=micro_tokens, rank=state.rank, world=state.world)
    # A rank that gets no example of a short step computes one that counts nothing: all ranks must meet in the exchange.
    real = float(bool(shares))
    shares = shares or [[plan.features[0]]]
    scaler = state.computing.scaler
    sums = torch.zeros(2, dtype=torch.float64)
    for number, share in enumerate(shares, 1):
        # DDP decides in the forward pass whether its backward exchanges gradients, so both stand inside.
        with _hold(state, number == len(shares)):
            result = micro_loss(state, verbs, share, plan.number, tuning, seed)
            # It averages over processes; times `world` makes that a sum. Not accelerate's `backward`, which would
            # divide once more where the environment sets its accumulation steps.
            scaled = result.total * (real * state.world / len(plan.features))
            torch.autograd.backward(scaled if scaler is None else scaler.scale(scaled))
        sums += torch.stack([result.total.detach().cpu().double(), result.count.cpu().double()]) * real
    if state.world > 1:
        sums = state.computing.accelerator.reduce(sums.to(state.computing.device), "sum").cpu()
    return float(sums[0]), float(sums[1])


def micro_loss(
    state: Trained, verbs: Verbs, features: Sequence[Feature], step: int, tuning: Sequence[Tuning], seed: int
) -> Loss:
    """Run a micro-batch forward; every random draw in it depends on (seed, step, example) alone."""
    batch = verbs.collate(verbs.drawn(features, seed, step)).to(state.computing.device)

    def numbers(name: str) -> list[int]:
        return [seeds.derive(seed, name, step, feature.row_id, feature.window) for feature in features]

    _begin_draws(state, batch, features, numbers("dropout"), seed, step)

    # DDP prepares one exchange a backward pass and overwrites buffers in each forward pass: only the first goes by it.
    modules = itertools.chain([state.module], itertools.repeat(state.bare))

    forward = Forward(state.bare, lambda given: verbs.loss(next(modules), given), numbers)
    for kind in tuning:
        forward = replace(forward, call=_wrapped(kind, forward))
    with state.frozen.replay(batch), state.computing.forward():
        return forward(batch)


def _begin_draws(
    state: Trained, batch: Batch, features: Sequence[Feature], numbers: Sequence[int], seed: int, step: int
) -> None:
    """Let a pass draw its dropout by (seed, step, example); `numbers` is a seed for each."""
    import torch

    from nlptl.modules.dropout import Stream

    torch.manual_seed(seeds.derive(seed, "device", step, features[0].row_id, features[0].window))
    if state.noise is None:
        return
    streams = [Stream([len(one.input_ids) for one in features], batch.inputs["input_ids"].shape[1])]
    if "decoder_input_ids" in batch.inputs:
        widest = batch.inputs["decoder_input_ids"].shape[1]
        streams.append(Stream([len(one.decoder_ids) for one in features], widest))
    state.noise.begin(numbers, streams, shared=seeds.derive(seed, "dropout", step))


def _output(state: Trained, verbs: Verbs, features: Sequence[Feature], step: int, seed: int) -> tuple[Tensor, Tensor]:
    """Run unlabelled features forward; give the logits and the mask of real tokens."""
    batch = verbs.collate(features).to(state.computing.device)
    numbers = [seeds.derive(seed, "target", step, one.row_id, one.window) for one in features]
    _begin_draws(state, batch, features, numbers, seed, step)
    with state.computing.forward():
        return state.bare(**batch.inputs).logits, batch.inputs["attention_mask"]


def _wrapped(kind: Tuning, forward: Forward) -> Callable[[Batch], Loss]:
    return lambda batch: kind.around(forward, batch)


def _move(state: Trained) -> bool:
    """Take the optimizer's step and say so; under fp16 the scaler skips it when the gradient overflowed."""
    scaler = state.computing.scaler
    if scaler is None:
        state.optimizer.step()
        return True
    before = scaler.get_scale()
    scaler.step(state.optimizer)
    scaler.update()
    return bool(scaler.get_scale() >= before)


def _hold(state: Trained, last: bool) -> Any:
    """Keep processes from exchanging gradients before a step's last micro-batch, so that their number may differ by
    rank.
    """
    return contextlib.nullcontext() if last or state.world == 1 else state.computing.accelerator.no_sync(state.module)


def _add_penalties(state: Trained, tuning: Sequence[Tuning]) -> None:
    """Add the gradient of the tunings' penalties; each rank has the same weights, so each computes the same."""
    found = [kind.penalty(state.bare, state.memories[kind.kind]) for kind in tuning]
    penalties = [one for one in found if one is not None]
    if penalties:
        import torch

        torch.stack(penalties).sum().backward()  # type: ignore[no-untyped-call]


def _check_finite(loss: float, norm: float, plan: StepPlan) -> None:
    if not (math.isfinite(loss) and math.isfinite(norm)):
        ids = sorted({feature.row_id for feature in plan.features})
        raise NumericFailure(
            f"step {plan.number}: the loss is {loss}, the norm of the gradient {norm}; the weights were not changed. "
            f"Rows of the step: {', '.join(ids[:40])}. "
            "Lower train.learning_rate, set train.clip, or take precision: fp32"
        )
