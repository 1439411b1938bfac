"""The recipe: a tree of frozen values that says all of an experiment that changes its numbers."""

import hashlib
import json
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from nlptl import kinds
from nlptl.strict import Value

if TYPE_CHECKING:
    from nlptl.augment import Augment as AnyAugment
    from nlptl.tasks import Task as AnyTask
    from nlptl.tuning import Tuning as AnyTuning
else:
    AnyAugment = kinds.one_of("augment")
    AnyTask = kinds.one_of("tasks")
    AnyTuning = kinds.one_of("tuning")

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Split = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class ModelSection(Value):
    """Which pretrained checkpoint the run starts from."""

    checkpoint: str = Field(min_length=1)
    """`package:DIST==VERSION`, a directory (a run's too), or a hub id with its revision: `org/name@revision`."""

    max_tokens: int = Field(ge=4, le=1_000_000)
    """Longest input in tokens, special tokens included; longer texts are cut, and the report counts them."""


class Target(Value):
    """Texts of the domain that a model is wanted for, beside the rows of the source. Their gold is not read."""

    card: str | None = Field(default=None, min_length=1)
    """Name or path of the card they are of; absent: the recipe's own, of which another split is taken."""

    split: Split
    """The split whose texts are taken."""

    rows: int | None = Field(default=None, ge=2)
    """Take so many texts only, drawn by the run's seed; absent: all."""


class DataSection(Value):
    """Which data the run sees."""

    card: str = Field(min_length=1)
    """Name of a data card, or the path of one."""

    languages: tuple[str, ...] | None = None
    """ISO 639-3 codes to train on; absent: all of the card's."""

    train_rows: int | None = Field(default=None, ge=2)
    """Train on so many rows only, drawn by the run's seed; absent: on all."""

    language_rows: dict[str, Annotated[int, Field(ge=1)]] | None = None
    """Train on so many rows of a language only, drawn by the run's seed: `{deu: 50}`. Of those that are not named, on
    all."""

    target: Target | None = None
    """Unlabelled texts of another domain: what `dann`, `coral`, `mmd` and `self_training` learn from beside the rows;
    the distance of the domains is measured before and after."""

    root: str | None = None
    """Folder below which the card's files lie; absent: `$NLPTL_DATA`. Plumbing: not part of the digest."""


class Train(Value):
    """How the weights move. Everything here changes the numbers, so everything is written in the recipe."""

    epochs: int = Field(ge=1, le=10_000)
    """Passes over the training rows."""

    batch: int = Field(ge=1, le=1_000_000)
    """Examples per optimizer step, over all processes and micro-batches."""

    learning_rate: float = Field(gt=0, le=10)
    """Peak learning rate of AdamW."""

    schedule: Literal["linear", "cosine", "constant"]
    """How the rate goes on after the warm-up: to zero in a line, in half a cosine, or not at all."""

    warmup: float = Field(ge=0, lt=1)
    """Part of all steps during which the rate rises from zero in a line."""

    weight_decay: float = Field(ge=0, lt=1)
    """Decoupled weight decay; biases and normalisation weights have none."""

    clip: float | None = Field(gt=0)
    """Largest norm of a step's gradient; `null` for no clipping."""

    precision: Literal["fp32", "bf16", "fp16"]
    """Number format of the matrix products; weights and optimizer are kept in fp32."""

    select: Split
    """The split that chooses the best checkpoint; `last` takes the last one and looks at no split."""

    metric: str | None = None
    """What `select` goes by; absent: the task's main metric."""

    select_languages: tuple[str, ...] | None = None
    """ISO 639-3 codes of the rows of `select` that choose; absent: the languages trained on, as zero-shot transfer
    demands. Others need `oracle: true`."""

    oracle: bool = False
    """Whether rows of languages that were not trained on may choose the checkpoint: then no score in those languages is
    zero-shot, and the report says so in its title."""

    evaluate_every: int | None = Field(default=None, ge=1)
    """Steps between evaluations on `select`; absent: once an epoch."""

    patience: int | None = Field(default=None, ge=1)
    """Stop after so many evaluations without a better score; absent: never early."""


class External(Value):
    """A metric from the `evaluate` library, which runs its script."""

    metric: str = Field(min_length=1)
    """A directory with a metric script, or `name@revision` with a revision of 40 hexadecimal digits."""

    runs_code: Literal[True]
    """Must say `true`: the script of the metric is executed."""

    config: str | None = None
    """The script's configuration: `multilabel` where rows have several labels."""

    settings: dict[str, str | int | float | bool] | None = None
    """What goes to the script's `compute` besides: `{average: macro}`."""


class Evaluation(Value):
    """One set of rows that the chosen model is scored on."""

    split: Split
    """A split of the card."""

    card: str | None = Field(default=None, min_length=1)
    """Name or path of another card, whose split is scored with the model of this one; absent: the recipe's."""

    languages: Literal["all"] | tuple[str, ...] | None = None
    """ISO 639-3 codes to score, each by itself; `all`: each of the card's that the split has; absent: all together."""

    external: tuple[External, ...] = ()
    """Further metrics beside the task's own."""

    robust: tuple[str | AnyAugment, ...] = ()
    """Noise under which the set is scored too, beside the clean rows: kinds of `augment` with their settings, of which
    `copies` says how many noisy sets are scored, or a kind's name alone for one set with the settings that it has under
    `augment`. The noise is the same for every run."""

    @property
    def name(self) -> str:
        """What the set is called: its split, after the name of another card."""
        return self.split if self.card is None else f"{PurePath(self.card).stem}.{self.split}"


class Machine(Value):
    """Plumbing: how the work is done here. Nothing of it is in the digest, nothing changes the science."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where the model runs; `auto` takes the accelerator if there is one."""

    threads: int | None = Field(default=None, ge=1)
    """CPU threads of one process; absent: what the machine has, divided by the processes."""

    micro_tokens: int = Field(default=8192, ge=64)
    """Largest padded size of a micro-batch in tokens; a step that is larger is computed in pieces."""

    save_every: int | None = Field(default=None, ge=1)
    """Steps between checkpoints to resume from; absent: at every evaluation."""

    keep: int = Field(default=2, ge=1)
    """How many of those checkpoints stay."""

    frozen: Literal["auto", "off"] = "auto"
    """What frozen blocks give for an input is computed once and kept in nlptl's cache; `off`: every time."""

    frozen_gib: float = Field(default=8.0, gt=0, le=100_000)
    """How much of the disk all that is so kept may take; what was used least lately goes first."""

    gradient_checkpointing: bool | Literal["auto"] = "auto"
    """Keep only what goes into each block and compute the rest of it again on the way back: much less memory, a third
    more time, the same gradients. `auto`: where a step would not fit without."""

    memory_gib: float | None = Field(default=None, gt=0, le=100_000)
    """What weights, gradients, moments and activations of a process may take on its device, for `auto` above; absent:
    what is free there."""

    attention: Literal["auto", "eager", "sdpa"] = "auto"
    """Attention kernel; `auto` chooses by length as measured on this kind of machine."""


class Recipe(Value):
    """One experiment: a checkpoint, a task, data, and how the one is adapted to the other."""

    name: Name
    """Names the run directories: lower case, digits, `.`, `_`, `-`."""

    seeds: tuple[Seed, ...] = Field(min_length=1)
    """One run, in a directory of its own, for each."""

    model: ModelSection
    task: AnyTask
    data: DataSection
    tuning: tuple[AnyTuning, ...] = Field(min_length=1)
    """What is trained and how; several kinds where they can be combined."""

    augment: tuple[AnyAugment, ...] = ()
    """Edited copies of training rows, made by each kind; none where it is left out."""

    train: Train
    evaluate: tuple[Evaluation, ...] = Field(min_length=1)
    machine: Machine = Machine()
    nlptl: str | None = Field(default=None, pattern=r"^\d+(\.\d+)*$")
    """The earliest version of nlptl that can read this recipe; absent: any. Not part of the digest."""

    @model_validator(mode="after")
    def _seeds_differ(self) -> "Recipe":
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds: {list(self.seeds)} names one twice; each seed is one run")
        return self


def noises(recipe: Recipe, asked: Evaluation) -> "list[AnyAugment]":
    """Give the noise that a set is scored under, names replaced by the settings that stand under `augment`."""
    own = {one.kind: one.model_copy(update={"copies": 1}) for one in recipe.augment}
    return [own[one] if isinstance(one, str) else one for one in asked.robust]


def all_noise(recipe: Recipe) -> "list[AnyAugment]":
    """Give the kinds of augmentation of a recipe: those that it trains with, and those that sets are scored under."""
    return [*recipe.augment, *(noise for one in recipe.evaluate for noise in noises(recipe, one))]


def science(recipe: Recipe) -> dict[str, Any]:
    """Give the part of a recipe that can change its numbers, as plain data: no name, no seeds, no plumbing."""
    tree = recipe.model_dump(mode="json", exclude={"name", "seeds", "machine", "nlptl"})
    tree["data"].pop("root")
    later = (("data", "language_rows"), ("data", "target"), ("train", "select_languages"), ("train", "oracle"))
    for section, name in later:
        if not tree[section][name]:
            tree[section].pop(name)
    if not tree["augment"]:  # a recipe without it keeps the digest that it had before there was such a key
        tree.pop("augment")
    for one in tree["evaluate"]:
        for noise in one["robust"] if one["robust"] else ():
            _without_variants(noise)
        if not one["robust"]:
            one.pop("robust")
        if one["card"] is None:
            one.pop("card")
    for kind in tree.get("augment", ()):
        _without_variants(kind)
    return tree


def _without_variants(kind: Any) -> None:
    """Leave `variants: 1` away, as recipes had it before there was such a key."""
    if isinstance(kind, dict) and kind.get("variants") == 1:
        kind.pop("variants")


def digest(recipe: Recipe, *, seed: int, data: str, checkpoint: str, version: str) -> str:
    """Give the 12 hexadecimal digits that name a run.

    `data` is the fingerprint of card and files, `checkpoint` the sha256 of the weights (which, for a run directory,
    is what stands for the run that this one starts from), `version` nlptl's.
    """
    tree = {"recipe": science(recipe), "seed": seed, "data": data, "checkpoint": checkpoint, "nlptl": version}
    text = json.dumps(tree, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
