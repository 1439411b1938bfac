"""What the user names -> the files of each split, and which of them the label lies in the name of."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nlptl.begin.wishes import Said, Split
from nlptl.errors import BadInput, Problem, nearest
from nlptl.sniffing import names

TABLES = {".csv", ".tsv", ".tab", ".psv", ".txt", ".dat", ".data"}
LINES = {".jsonl", ".ndjson", ".json"}
OTHERS = {
    ".xlsx": "save the sheet as csv", ".xls": "save the sheet as csv", ".ods": "save the sheet as csv",
    ".parquet": "write a card with the source 'hub', which reads local folders of parquet",
    ".zip": "unpack it", ".tar": "unpack it", ".pdf": "nlptl reads texts",
    ".pkl": "a pickle can run code: save it as csv",
}  # fmt: skip


@dataclass(frozen=True)
class Given:
    """One file (or folder of texts) of a split; `label`, where its name says the label of all its rows."""

    path: Path
    split: Split
    label: str | None = None


@dataclass(frozen=True)
class Found:
    """All files, and how they were found."""

    files: tuple[Given, ...]
    whole_files: bool
    """Labelled files only: each file is one text."""
    said: tuple[Said, ...]

    def of(self, split: str) -> list[Given]:
        """Give the files of a split."""
        return [one for one in self.files if one.split == split]

    @property
    def labelled(self) -> bool:
        """Whether the files' names are the labels."""
        return self.files[0].label is not None


def find(items: Sequence[str], dev: Sequence[str], test: Sequence[str]) -> Found:
    """Sort what was named (`FILE`, `train=FILE`, `dev=FILE`, `test=FILE`) into splits, and look for the rest beside it.

    Raises BadInput for what is not there or cannot be read.
    """
    named: list[tuple[Split, Path]] = [_item(item) for item in items]
    named += [("dev", Path(one)) for one in dev] + [("test", Path(one)) for one in test]
    _check([path for _, path in named])
    folders = [path for _, path in named if path.is_dir()]
    if folders and len(named) > 1:
        raise BadInput(str(folders[0]), Problem("a folder is named with other files", fix="name one folder, or files"))
    if folders:
        return _folder(folders[0])
    if not any(split == "train" for split, _ in named):
        raise BadInput("init", Problem("no file to train on is named", fix="nlptl init TRAIN_FILE dev=FILE test=FILE"))
    files = [Given(path, split) for split, path in named]
    if len(named) > 1:
        return Found(tuple(files), False, (Said("splits", _listed(files), "you said so", "dev=FILE test=FILE"),))
    beside = _beside(named[0][1])
    if not beside:
        return Found(tuple(files), False, ())
    files = [Given(named[0][1], "train"), *beside]
    return Found(
        tuple(files), False, (Said("splits", _listed(files), "the names of files say so", "dev=FILE test=FILE"),)
    )


def _item(item: str) -> tuple[Split, Path]:
    head, sign, tail = item.partition("=")
    if sign and head in ("train", "dev", "test") and not Path(item).exists():
        return head, Path(tail)  # type: ignore[return-value]
    return "train", Path(item)


def _check(paths: Sequence[Path]) -> None:
    problems = []
    for path in paths:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        suffix = path.name.removesuffix(".gz")[path.name.removesuffix(".gz").rfind(".") :].lower()
        if not path.exists():
            folder = path.parent if path.parent.is_dir() else Path()
            close = nearest(path.name, [one.name for one in folder.iterdir()][:2000])
            problems.append(Problem("no such file", shown, fix=f"did you mean '{folder / close}'?" if close else ""))
        elif not path.is_dir() and not path.is_file():
            problems.append(Problem("is neither a file nor a folder", shown))
        elif any(sign in str(path) for sign in "*\\\0\n") or shown != str(path):
            problems.append(Problem("a card cannot name this file", shown, fix="rename it: no '*', '\\' or line end"))
        elif path.is_file() and suffix in OTHERS:
            problems.append(Problem(f"{suffix} files are not read", shown, fix=OTHERS[suffix]))
        elif path.is_file() and path.stat().st_size == 0:
            problems.append(Problem("the file is empty", shown))
    if problems:
        raise BadInput("init", problems)


def _listed(files: Sequence[Given]) -> str:
    return ", ".join(f"{one.split} {one.path.name}" for one in files)


def _beside(path: Path) -> list[Given]:
    """Find the other splits of a file whose name says that it is the one to train on, or whose name theirs extend."""
    stem = path.name.removesuffix(".gz")
    own = names.split_in(stem)
    if own is not None and own[0] != "train":
        return []
    rest = own[1] if own is not None else names.plain(stem)
    found: dict[str, Given] = {}
    for other in sorted(path.parent.iterdir()):
        said = names.split_in(other.name.removesuffix(".gz"))
        if other != path and other.is_file() and said is not None and said[0] != "train" and said[1] == rest:
            found.setdefault(said[0], Given(other, said[0]))
    return [found[split] for split in ("dev", "test") if split in found]


def _folder(folder: Path) -> Found:
    """Read a folder's layout: data files named by split, or a file or folder for each label, perhaps below splits."""
    data = [path for path in _files(folder) if _suffix(path) in TABLES | LINES]
    trains = [path for path in data if (names.split_in(path.name.removesuffix(".gz")) or ("", ""))[0] == "train"]
    tables = trains or [path for path in data if _suffix(path) not in (".txt", ".dat", ".data")]
    if len(tables) > 1:
        what = f"holds several data files: {', '.join(path.name for path in tables[:8])}"
        raise BadInput(str(folder), Problem(what, fix=f"name the one to train on: nlptl init {tables[0]}"))
    if tables:
        return find([str(tables[0])], (), ())
    below = [(split, path) for path in _folders(folder) if (split := names.split_of(path.name)) is not None]
    files: list[Given] = []
    whole = False
    parts: list[tuple[Split, Path]] = [("train", folder)]
    for part, path in below if "train" in dict(below) else parts:
        found, whole = _labelled(path)
        files += [Given(each, part, label) for each, label in found]
    if len({one.label for one in files}) < 2:
        what = "holds no data file and no file or folder for each of several labels"
        raise BadInput(str(folder), Problem(what, fix="name a csv, tsv or jsonl file"))
    kind = "file is one text" if whole else "line is one text"
    said = Said("layout", f"a {'folder' if whole else 'file'} for each label", f"the names are the labels, each {kind}")
    return Found(tuple(files), whole, (said,))


def _labelled(folder: Path) -> tuple[list[tuple[Path, str]], bool]:
    """Give (file or folder, label), and whether each file is one text."""
    files, folders = _files(folder), _folders(folder)
    if len(files) >= 2:
        return _by_name(files), False
    inner = [[path.name for path in _files(one)] for one in folders]
    if len(inner) > 1 and all(2 <= len(one) <= 20 and one == inner[0] for one in inner):
        return _by_name([path for one in folders for path in _files(one)]), False  # the folders are parts, not labels
    return [(one, one.name) for one in folders if _files(one)], True


def _by_name(files: Sequence[Path]) -> list[tuple[Path, str]]:
    """Take as labels what differs in the files' names."""
    stems = [path.name.removesuffix(".gz") for path in files]
    stems = [stem.removesuffix(".txt") for stem in stems]
    if len(set(stems)) > 1:
        first = _common(stems)
        head = max(first.rfind(sign) for sign in "-_. ") + 1
        last = _common([stem[::-1] for stem in stems])[::-1]
        cuts = [last.find(sign) for sign in "-_. " if sign in last]
        tail = last[min(cuts) :] if cuts else ""
        stems = [stem[head:].removesuffix(tail) or stem for stem in stems]
    return list(zip(files, stems, strict=True))


def _common(texts: Sequence[str]) -> str:
    """Give what all texts begin with."""
    same = [len(set(letters)) == 1 for letters in zip(*texts, strict=False)]
    return texts[0][: same.index(False) if False in same else len(same)]


def _files(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_file() and _is_data(path)]


def _folders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_dir()]


def _entries(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.iterdir() if not path.name.startswith((".", "_")))


def _is_data(path: Path) -> bool:
    about = names.plain(path.name.split(".")[0]) in ("readme", "license", "licence", "source", "labels", "classes")
    return (
        not about and _suffix(path) not in (".md", ".pdf", ".py", ".yaml", ".yml", ".html") and path.stat().st_size > 0
    )


def _suffix(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix.lower()
