"""Write the files of a converted checkpoint so that the same input always gives the same bytes.

The safetensors file is written here and not by the library, for two reasons: a tensor is made when its turn comes, so
that one at a time is in memory, and the bytes do not change with the library's version. Format: eight bytes with the
length of a JSON head, the head, the tensors without gaps (https://huggingface.co/docs/safetensors).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy

    Tensor = numpy.ndarray[Any, numpy.dtype[Any]]
    Tensors = Mapping[str, tuple[Sequence[int], Callable[[], Tensor]]]
    """Name -> shape, and what gives the values (float32) when they are to be written."""

_ALIGNED = 8


def write_tensors(path: Path, tensors: Tensors) -> None:
    """Write float32 tensors, sorted by name."""
    import numpy

    head: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in sorted(tensors):
        shape = [int(length) for length in tensors[name][0]]
        begin, end = end, end + 4 * int(numpy.prod(shape, dtype=numpy.int64))
        head[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
    packed = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
    packed += b" " * (-len(packed) % _ALIGNED)
    with path.open("xb") as file:
        file.write(len(packed).to_bytes(8, "little") + packed)
        for name in sorted(tensors):
            announced, values = tensors[name]
            found = numpy.ascontiguousarray(values(), dtype="<f4")
            assert found.shape == tuple(announced), f"{name}: {found.shape}, {tuple(announced)} was announced"
            file.write(found.data)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a configuration: sorted keys, two spaces, a newline at the end, on every platform."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    path.write_bytes(text.encode())


def write_tokenizer(path: Path, tree: Mapping[str, Any]) -> None:
    """Write a tokenizer.json on one line, its keys in their order: some readers look at the order of a vocabulary."""
    path.write_bytes(json.dumps(tree, separators=(",", ":"), ensure_ascii=False).encode())


def shortest(value: float) -> float:
    """Give the shortest decimal that is the same float32: 1e-05 for 9.999999747378752e-06."""
    import numpy

    return float(str(numpy.float32(value)))
