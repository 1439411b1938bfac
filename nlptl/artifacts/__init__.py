"""The run directory: files that are whole or absent, checkpoints that are verified, one process at a time."""

from nlptl.artifacts.checkpoints import newest, publish, recover, save
from nlptl.artifacts.files import read_json, write_bytes, write_json, write_text
from nlptl.artifacts.lines import append_line, read_lines, truncate_log
from nlptl.artifacts.locking import forget, lock
from nlptl.artifacts.machine import environment
from nlptl.artifacts.manifest import MANIFEST, Entry, Manifest, read_manifest, verify
from nlptl.artifacts.places import check_place, space_for
from nlptl.artifacts.redaction import redact
from nlptl.artifacts.stopping import Stop, signals

__all__ = [
    "MANIFEST",
    "Entry",
    "Manifest",
    "Stop",
    "append_line",
    "check_place",
    "environment",
    "forget",
    "lock",
    "newest",
    "publish",
    "read_json",
    "read_lines",
    "read_manifest",
    "recover",
    "redact",
    "save",
    "signals",
    "space_for",
    "truncate_log",
    "verify",
    "write_bytes",
    "write_json",
    "write_text",
]
