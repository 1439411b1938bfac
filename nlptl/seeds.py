"""One seed, many named and independent streams of random numbers."""

from __future__ import annotations

import hashlib
import random


def derive(seed: int, name: str, *parts: int | str) -> int:
    """Give a 63-bit seed for the stream `name` (and, say, an epoch and an example id) of a run's one seed.

    A hash, so that streams are independent and none depends on how often another was drawn from: nothing needs to be
    stored to continue a run, and the number of workers or processes cannot shift a stream.
    """
    text = "\x1f".join([str(seed), name, *(str(part) for part in parts)])
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") >> 1


def stream(seed: int, name: str, *parts: int | str) -> random.Random:
    """Give Python's generator, seeded by `derive`."""
    return random.Random(derive(seed, name, *parts))
