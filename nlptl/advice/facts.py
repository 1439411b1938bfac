"""What the rules look at: a few facts of data and checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

SMALL, BASE, LARGE, HUGE = 60_000_000, 200_000_000, 1_000_000_000, 3_000_000_000
"""Parameters of a body less its table of embeddings at which a rule changes: MiniLM and e5-small, BERT-base, below a
billion, above."""
FEW, MANY = 1_000, 20_000
"""Training rows below which few-sample findings hold (Mosbach et al. and Zhang et al. go to 1,000), and above which
three epochs are many steps."""
LONG = 1_500
"""Characters a row, about 300 words of English, from which rows are long."""


@dataclass(frozen=True)
class Facts:
    """What is known of a recipe's data and checkpoint before a model is loaded."""

    task: str
    family: str
    """`encoder`, `decoder` or `seq2seq`."""
    rows: int
    """That a run trains on, without copies."""
    classes: int
    """Labels; 0 for a task without."""
    characters: float
    """Mean length of what the model reads of a row."""
    pairs: bool
    """Whether a row has two texts."""
    parameters: int
    """Of the checkpoint's stored tensors."""
    body: int
    """The same without the table of embeddings."""
    blocks: int
    """Equal layers, 0 where the configuration does not say."""
    head: bool
    """Whether the head, or what writes, comes trained with the checkpoint."""
    unseen: bool = False
    """Whether languages are scored that are not trained on."""
    method: str = ""
    """What the recipe itself trains: `head` alone, an `adapter`, or the `body`; nothing where that is to be advised,
    and the other settings go by the advice."""

    @property
    def new_decoder(self) -> bool:
        """Whether a decoder is drawn anew over an encoder."""
        return self.task == "parsing" and self.family == "encoder"

    def __str__(self) -> str:
        """Say them in a line."""
        said = [f"task {self.task}", f"{self.rows:,} training rows"]
        said += [f"{self.classes} classes"] if self.classes else []
        said += ["pairs of texts"] if self.pairs else []
        said += [f"{self.characters:.0f} characters a row"]
        said += [f"{self.family} of {self.parameters / 1e6:.0f} M parameters"]
        said += [f"{self.body / 1e6:.0f} M without embeddings"]
        said += [f"{self.blocks} blocks"] if self.blocks else []
        said.append("head trained" if self.head else "head new")
        return ", ".join([*said, *(["languages that are not trained on"] if self.unseen else [])])
