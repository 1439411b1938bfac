"""A data set of the Hugging Face hub at one commit, or a local folder of parquet, arrow or JSON Lines files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from nlptl.errors import BadInput, Problem
from nlptl.sources import Part, Record, Source
from nlptl.texts import json_object, lines, without_blank_end

BATCH = 1000
SUFFIXES = (".parquet", ".arrow", ".jsonl")
REFUSED = (".pkl", ".pickle", ".py", ".pt", ".bin", ".npy", ".joblib")
"""What runs code when it is loaded, or is code."""


class Hub(Source):
    """The hub through `datasets`, which runs no scripts. Class labels come as their names, whole numbers as text."""

    kind: Literal["hub"]

    repository: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")
    """`owner/name`; absent: the card's files are local folders."""

    revision: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")
    """The commit, since a branch moves."""

    config: str | None = None
    """Which of the repository's configurations."""

    splits: Mapping[str, str] = Field(default_factory=dict)
    """Our split -> split there, where the names differ."""

    @model_validator(mode="after")
    def _pinned(self) -> "Hub":
        if (self.repository is None) != (self.revision is None):
            raise ValueError("'repository' and 'revision' come together")
        return self

    def records(self, part: Part) -> Iterator[Record]:
        """Yield the records of a split. `place` counts them from 1."""
        split = self.splits.get(part.split, part.split)
        found = self._remote(part, split) if part.path is None else _local(part.path, part.name, split)
        for number, values in enumerate(found, 1):
            yield Record(values, f"{part.name}#{number}")

    def _remote(self, part: Part, split: str) -> Iterator[dict[str, Any]]:
        from datasets import load_dataset

        if self.repository is None:
            fix = "add one of them to the card"
            raise BadInput(part.name, Problem("the source names no repository, and the split no files", fix=fix))
        try:
            with _network(part.offline):
                loaded = load_dataset(self.repository, self.config, split=split, revision=self.revision)
        except Exception as error:  # whatever the hub, the network or a damaged cache may raise
            if isinstance(error, MemoryError):
                raise
            fix = "bring it where there is a network, or lay the card's files below $NLPTL_DATA"
            what = f"the hub does not give it: {_first_line(error)}"
            raise BadInput(f"{self.repository}@{self.revision}", Problem(what, where=part.name, fix=fix)) from None
        yield from _decoded(loaded.features, loaded.iter(BATCH))


@contextmanager
def _network(offline: bool) -> Iterator[None]:
    """Forbid the hub while `offline`: the libraries read the environment once, and no argument stops them."""
    import datasets.config
    import huggingface_hub.constants

    before = datasets.config.HF_HUB_OFFLINE, huggingface_hub.constants.HF_HUB_OFFLINE
    if offline:
        datasets.config.HF_HUB_OFFLINE = huggingface_hub.constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE, huggingface_hub.constants.HF_HUB_OFFLINE = before


def _local(path: Path, name: str, split: str) -> Iterator[dict[str, Any]]:
    for file, shown in _files(path, name, split):
        if file.suffix == ".jsonl":
            for number, line in without_blank_end(lines(file, shown, "utf-8")):
                yield json_object(line, f"{shown}:{number}")
        else:
            yield from _table(file, shown)


def _table(file: Path, shown: str) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Features

    try:
        if file.suffix == ".parquet":
            with pq.ParquetFile(file) as table:
                batches = (batch.to_pydict() for batch in table.iter_batches(BATCH))
                yield from _decoded(Features.from_arrow_schema(table.schema_arrow), batches)
        else:
            with pa.memory_map(str(file)) as mapped, pa.ipc.open_stream(mapped) as stream:
                batches = (batch.to_pydict() for batch in stream)
                yield from _decoded(Features.from_arrow_schema(stream.schema), batches)
    except pa.ArrowInvalid as error:
        raise BadInput(shown, Problem(f"is damaged: {_first_line(error)}", where=shown)) from None


def _files(path: Path, name: str, split: str) -> list[tuple[Path, str]]:
    """Give the files of a split: those of a folder whose name, or whose folder's name, begins with the split's."""
    inside = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    for each in inside:
        if each.suffix in REFUSED:
            fix = "only parquet, arrow and jsonl are read"
            raise BadInput(name, Problem(f"{each.name} is code or can run code when it is loaded", where=name, fix=fix))
    found = [each for each in inside if each.suffix in SUFFIXES]
    if path.is_dir():
        found = [
            each for each in found if each.name.startswith((f"{split}-", f"{split}.")) or each.parent.name == split
        ]
    if not found:
        has = ", ".join(each.name for each in inside[:10]) or "nothing"
        raise BadInput(
            name, Problem(f"no {', '.join(SUFFIXES)} file of the split '{split}'", where=name, fix=f"it holds {has}")
        )
    return [(each, f"{name}/{each.relative_to(path).as_posix()}" if path.is_dir() else name) for each in found]


def _decoded(features: Mapping[str, Any], batches: Iterator[dict[str, list[Any]]]) -> Iterator[dict[str, Any]]:
    for batch in batches:
        names = list(batch)
        for values in zip(*batch.values(), strict=True):
            yield {name: _plain(features[name], value) for name, value in zip(names, values, strict=True)}


def _plain(feature: Any, value: Any) -> Any:
    """Give a value as the other sources have it: strings, lists and dicts of them."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return feature.int2str(value) if hasattr(feature, "int2str") and value >= 0 else str(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list):
        inner = feature[0] if isinstance(feature, list) else getattr(feature, "feature", None)
        return [_plain(inner, one) for one in value]
    if isinstance(value, Mapping):
        fields = feature if isinstance(feature, Mapping) else getattr(feature, "feature", None) or {}
        return {name: _plain(fields.get(name), one) for name, one in value.items()}
    return value


def _first_line(error: Exception) -> str:
    lines_of = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines_of[0]}" if lines_of else type(error).__name__
