"""Secrets are hidden before anything is written or shown."""

from __future__ import annotations

import json
import os
import re
from urllib.parse import quote

HIDDEN = "[hidden]"
_SECRET_NAME = re.compile(r"(TOKEN|KEY|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)$", re.IGNORECASE)
_SHORTEST = 6  # a shorter value ("1", "true", "main") would eat harmless text
_PATTERNS = (
    re.compile(r"\bhf_[A-Za-z0-9]{8,}"),
    # 16 letters or digits in a row: not a name such as sk-learn or a Slovak corpus sk-en-2023.
    re.compile(r"\bsk-(?=[\w-]*[A-Za-z0-9_]{16})[\w-]+", re.ASCII),
    re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|pypi-|xox[abprs]-)[\w-]{16,}", re.ASCII),
    re.compile(r"\bA[KS]IA[A-Z0-9]{16}\b"),
    re.compile(r"(?<=\bBearer )[\w.~+/=-]{8,}", re.ASCII | re.IGNORECASE),
    # What stands before the @ of an address, with or without a user name.
    re.compile(r"(?<=://)[^\s/?#@\"'<>]*:[^\s/?#\"'<>]*(?=@)"),
    re.compile(r"(?<=\bhttp://)[^\s/?#@\"'<>]+(?=@)|(?<=\bhttps://)[^\s/?#@\"'<>]+(?=@)", re.IGNORECASE),
    re.compile(r"(?<=[?&])((?:[\w-]*[_-])?(?:token|key|secret|password|signature))=[^\s&#\"'<>]+", re.IGNORECASE),
)


def is_secret_name(name: str) -> bool:
    """Say whether a variable of this name may hold a secret."""
    return _SECRET_NAME.search(name) is not None


def redact(text: str) -> str:
    """Hide access tokens, passwords in addresses, and the values of environment variables that are secret by name."""
    for value in _secret_values():
        text = text.replace(value, HIDDEN)
    for pattern in _PATTERNS:
        text = pattern.sub(lambda found: f"{found[1]}={HIDDEN}" if found.re.groups else HIDDEN, text)
    return text


def _secret_values() -> list[str]:
    """Give the values and the forms that they take in JSON and in addresses, longest first: one may hold another."""
    plain = {value for name, value in os.environ.items() if is_secret_name(name) and len(value.strip()) >= _SHORTEST}
    forms = {form for value in plain for form in _forms(value)}
    return sorted(forms, key=lambda form: (-len(form), form))


def _forms(value: str) -> tuple[str, ...]:
    escaped = (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    return (value, value.strip(), *escaped, quote(value, safe="", errors="surrogateescape"))
