"""From a checkpoint's name to a Backbone: the one place that calls `from_pretrained`.

Nothing that a checkpoint brings is executed: safetensors only, no remote code, and configurations that ask for it
are refused.
"""

from nlptl.backbone.adapters import base_of, save_adapter
from nlptl.backbone.bottoms import frozen_bottom
from nlptl.backbone.checkpoint import HUB_ID, MANIFEST, SETTINGS, WANTED, Checkpoint, inspect, resolve
from nlptl.backbone.depths import with_depths
from nlptl.backbone.models import silent, transformer_of
from nlptl.backbone.opened import Opened, open_checkpoint, positions_of

__all__ = [
    "HUB_ID", "MANIFEST", "SETTINGS", "WANTED", "Checkpoint", "Opened", "base_of", "frozen_bottom", "inspect",
    "open_checkpoint", "positions_of", "resolve", "save_adapter", "silent", "transformer_of", "with_depths",
]  # fmt: skip
