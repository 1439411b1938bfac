"""Which kinds of tuning do not go together, and why."""

INSIDE = (("smoothing", "rdrop"), ("smoothing", "adversarial"))
"""Kinds of tuning of which the first must stand before the second: it changes the loss of each pass."""
TWO_PASSES = ("rdrop", "adversarial")
"""Kinds that run a micro-batch forward twice before they go back: a block cannot be computed again for both."""
EVERYTHING = "one trains everything, the other does not"
NOTHING = "nothing of the body is left to train"
DRAWN = "what is drawn anew must learn"
ADAPTERS = ("lora", "ia3", "adalora")
ADAPTED = "an adapter leaves the whole body as it is, and says itself in how many blocks it stands"
ALIGNING = ("dann", "coral", "mmd", "self_training")
TWO = "one adapter is trained at a time"
CONTRADICTIONS = (
    ("full", "freeze", EVERYTHING), ("full", "bias", EVERYTHING), ("full", "norms", EVERYTHING),
    ("bias", "norms", "each leaves to train what it names and nothing else"),
    ("freeze.all_but_head", "bias", NOTHING), ("freeze.all_but_head", "norms", NOTHING),
    ("freeze.all_but_head", "reinit", DRAWN), ("bias", "reinit", DRAWN), ("norms", "reinit", DRAWN),
    ("adversarial", "rdrop", "each makes two passes of its own"),
    *((other, kind, ADAPTED) for kind in ADAPTERS for other in ("full", "freeze", "bias", "norms")),
    *((kind, "reinit", DRAWN) for kind in ADAPTERS),
    *((kind, other, "the body is frozen: nothing of it can leave its start") for kind in ADAPTERS
      for other in ("mixout", "l2sp")),
    *((other, "unfreeze", "each says what learns") for other in ("full", "freeze", "bias", "norms", *ADAPTERS)),
    ("reinit", "unfreeze", DRAWN + " from the first step on"),
    ("average", "unfreeze", "a mean begins with parameters that all learn"),
    *((two, kind, "each makes passes of its own") for kind in ALIGNING for two in TWO_PASSES),
    ("lora", "ia3", TWO), ("lora", "adalora", TWO), ("ia3", "adalora", TWO),
)  # fmt: skip
"""Kinds of tuning, or switches of them, that do not go together, and why."""
