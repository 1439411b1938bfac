"""Find and download one file of one release from the index that pip is configured for.

pip's own `download` looks at a source distribution by running its setup; unearth finds links and runs nothing.
"""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlptl.errors import BadInput, Problem

if TYPE_CHECKING:
    from nlptl.archives import Archive, Progress

ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 1.0
_CHUNK = 1 << 18
_PYPI = "https://pypi.org/simple/"


@dataclass(frozen=True)
class Index:
    """Where pip looks for distributions, and how it reaches them."""

    urls: tuple[str, ...]
    links: tuple[str, ...]
    trusted: tuple[str, ...] = ()
    certificates: str | None = None
    client_certificate: str | None = None
    proxy: str | None = None
    seconds: float = 15.0


def configured() -> Index:
    """Read pip's configuration: its files and `PIP_*` variables, as `pip config list` resolves them."""
    return _index(_settings())


def _settings() -> dict[str, str]:
    """Give pip's options in force for `pip download`: its own section over the global one, variables over files."""
    found: dict[str, dict[str, str]] = {"global": {}, "download": {}}
    for line in _listed().splitlines():
        key, _, value = line.partition("=")
        section, _, option = key.partition(".")
        if section in found:
            found[section][option] = str(ast.literal_eval(value))
    variables = {name[4:].lower().replace("_", "-"): value for name, value in os.environ.items() if name[:4] == "PIP_"}
    return found["global"] | found["download"] | {name: value for name, value in variables.items() if value}


def _listed() -> str:
    """Give what pip says of its files; nothing where pip is not installed, since its variables still count."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _index(settings: Mapping[str, str]) -> Index:
    only_links = settings.get("no-index", "").lower() in ("1", "true", "yes", "on")
    urls = [settings.get("index-url", _PYPI), *settings.get("extra-index-url", "").split()]
    environment = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    return Index(
        urls=() if only_links else tuple(urls),
        links=tuple(link for link in settings.get("find-links", "").split() if "://" in link or Path(link).exists()),
        trusted=tuple(settings.get("trusted-host", "").split()),
        certificates=settings.get("cert") or environment,
        client_certificate=settings.get("client-cert"),
        proxy=settings.get("proxy"),
        seconds=float(settings.get("timeout") or settings.get("default-timeout") or 15),
    )


def download(archive: Archive, target: Path, progress: Progress | None) -> None:
    """Write the archive to `target`, verified. Tries again when the network falters; BadInput when it stays so."""
    index = configured()
    session = _session(index)
    subject = f"package {archive.package}"
    try:
        for attempt in range(ATTEMPTS):
            try:
                found = _copy(session, _find(session, index, archive), archive, target, progress)
                break
            except Exception as error:
                if isinstance(error, OSError) and not isinstance(error, ConnectionError | TimeoutError):
                    raise  # of the disk, not of the network
                if not _transient(error) or attempt == ATTEMPTS - 1:
                    what = f"{archive.name} could not be brought: {_reason(error)}"
                    fix = "see `pip config list` for the index, the proxy and the certificates"
                    raise (
                        error if isinstance(error, BadInput) else BadInput(subject, Problem(what, fix=fix))
                    ) from error
                time.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
    finally:
        session.close()
    if found != archive.sha256:
        what = f"{archive.name} has sha256 {found}, wanted {archive.sha256}"
        raise BadInput(subject, Problem(what, fix="the index holds another file of this name: do not use it"))


def _session(index: Index) -> Any:
    import ssl

    from unearth.auth import MultiDomainBasicAuth
    from unearth.fetchers import PyPIClient

    verify: Any = True
    if index.certificates:
        is_folder = Path(index.certificates).is_dir()
        verify = ssl.create_default_context(
            capath=index.certificates if is_folder else None, cafile=None if is_folder else index.certificates
        )
    session = PyPIClient(
        trusted_hosts=index.trusted,
        verify=verify,
        cert=index.client_certificate,
        proxy=index.proxy,
        timeout=index.seconds,
        follow_redirects=True,
    )
    session.auth = MultiDomainBasicAuth(prompting=False, index_urls=index.urls)
    return session


def _find(session: Any, index: Index, archive: Archive) -> str:
    """Give the address of the archive: the file of that name, whatever platform it is for."""
    from unearth import PackageFinder

    subject = f"package {archive.package}"
    if not index.urls and not index.links:
        raise BadInput(subject, "pip is configured with no index and no links")
    finder = PackageFinder(
        session, index_urls=index.urls, find_links=index.links, trusted_hosts=index.trusted, ignore_compatibility=True
    )
    named = archive.package.partition("==")[0]
    for package in finder.find_all_packages(named, allow_yanked=True):
        if package.link.filename == archive.name:
            return str(package.link.url_without_fragment)
    from unearth import Link

    looked = ", ".join([Link(url).redacted for url in index.urls] + list(index.links))
    raise BadInput(subject, Problem(f"no file {archive.name} in {looked}", fix="see `pip config list` for the index"))


def _copy(session: Any, url: str, archive: Archive, target: Path, progress: Progress | None) -> str:
    """Stream the file to `target`; give its sha256."""
    digest, done = hashlib.sha256(), 0
    with session.get_stream(url, headers={"Accept-Encoding": "identity"}) as response, target.open("wb") as output:
        response.raise_for_status()
        size = response.headers.get("Content-Length", "")
        total = int(size) if size.isdigit() else None
        for chunk in response.iter_bytes(_CHUNK):
            done += len(chunk)
            digest.update(chunk)
            output.write(chunk)
            if progress is not None:
                progress(archive.name, done, total)
    if total is not None and done != total:
        raise ConnectionError(f"{done:,} of {total:,} bytes came")
    return digest.hexdigest()


def _transient(error: Exception) -> bool:
    """Say whether trying again can help: the connection, or a server that is too busy; not a refusal."""
    import httpx2

    if isinstance(error, httpx2.HTTPStatusError):
        return error.response.status_code in (408, 425, 429) or error.response.status_code >= 500
    return isinstance(error, httpx2.TransportError | ConnectionError | TimeoutError)


def _reason(error: Exception) -> str:
    from urllib.parse import urlsplit

    import httpx2

    if isinstance(error, httpx2.HTTPStatusError):
        return f"{urlsplit(str(error.request.url)).hostname} answers {error.response.status_code}"
    return f"{type(error).__name__}: {error}"
