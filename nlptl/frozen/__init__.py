"""What is frozen is computed once: the output of a body's frozen bottom for every feature, kept in a file and replayed.

A store holds one set of features under one key: the bottom's weights, what the features say, the numbers and threads
that computed it. So it never depends on what else was computed before: a run that finds it and a run that fills it go
on with the same bits.
"""

from nlptl.frozen.filling import Filling, Loss, keep
from nlptl.frozen.replaying import Frozen, Store

__all__ = ["Filling", "Frozen", "Loss", "Store", "keep"]
