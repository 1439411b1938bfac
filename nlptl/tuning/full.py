"""Full fine-tuning: every parameter moves at the base learning rate."""

from typing import Literal

from nlptl.tuning import Tuning


class Full(Tuning):
    """Full fine-tuning (Devlin et al. 2019, arXiv:1810.04805, section 3.2)."""

    kind: Literal["full"]
