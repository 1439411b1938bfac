"""What a card says of files: where they lie, what must be true of them, and which split they are."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated

import regex
from pydantic import Field, StringConstraints, field_validator, model_validator

from nlptl.strict import Value

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Count = Annotated[int, Field(ge=0)]


def below(file: str) -> str:
    """Give a path back that lies below the data root; ValueError for one that does not."""
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or "\\" in file or "\0" in file:
        raise ValueError("must lie below the data root: no leading '/', no '..', no '\\'")
    return file


class Packaged(Value):
    """A file inside a distribution on a package index."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+_-]*$")
    """The release: `DIST==VERSION`."""

    archive: str = Field(min_length=1)
    """The file of the release: a wheel or a source distribution."""

    sha256: Sha256
    """Of the archive."""

    member: str = Field(min_length=1)
    """The file in it; `outer.tar.gz!inner/file` for a file of an archive within it."""


class File(Value):
    """One file of a data set: below the data root, or in a package."""

    file: str | None = Field(default=None, min_length=1)
    """Path below `data.root` or `$NLPTL_DATA`; a folder, or a pattern with `*`, for several files alike."""

    package: Packaged | None = None
    """Or: the distribution that holds it."""

    sha256: Sha256 | None = None
    """Of its bytes (of names and contents, for a folder or pattern). Checked; absent: whatever is there is taken."""

    rows: Count | None = None
    """Records in it, before any is dropped. Checked."""

    language: Language | None = None
    """The language of its rows; absent: the card's only one."""

    label: str | None = None
    """The raw label of all its rows, for sources where the file is the label."""

    where: Mapping[str, str] | None = None
    """Only the records that have these values in these columns: `{split: train}`. `rows` counts them alone."""

    @model_validator(mode="after")
    def _one_place(self) -> "File":
        if (self.file is None) == (self.package is None):
            raise ValueError("either 'file' or 'package' must be given, and not both")
        return self

    @field_validator("file")
    @classmethod
    def _below_the_root(cls, file: str | None) -> str | None:
        return None if file is None else below(file)

    @property
    def shown(self) -> str:
        """How messages call it."""
        return self.file or (f"{self.package.member} in {self.package.archive}" if self.package else "")


class Pool(Value):
    """Files that are divided into splits by us."""

    files: tuple[File, ...] = Field(min_length=1)
    """Read in this order."""


class Split(Value):
    """One split: files of its own, or its part of a pool, or neither where the source makes the rows."""

    files: tuple[File, ...] = ()
    """Read in this order."""

    pool: Name | None = None
    """The pool that it is a part of."""

    part: float | None = Field(default=None, gt=0, lt=1)
    """How much of the pool; exactly one split of a pool says nothing and gets the rest."""

    rows: Count | None = None
    """Rows after dropping, all languages together. Checked."""

    ids: Sha256 | None = None
    """sha256 of the sorted ids, each with a line feed: for splits that we make, so that they stay what they are."""

    @model_validator(mode="after")
    def _one_origin(self) -> "Split":
        if self.pool is not None and self.files:
            raise ValueError("a split has files of its own or is part of a pool, not both")
        if self.part is not None and self.pool is None:
            raise ValueError("'part' needs 'pool'")
        return self


class Division(Value):
    """How pools are divided: by label, at random, and so that neither near-duplicates nor documents are torn apart."""

    seed: int = Field(ge=0, le=2**32 - 1)
    """Changes every split that is made."""

    document: str | None = None
    """Pattern whose first group, found in a row's id, names the document that must stay whole."""

    @field_validator("document")
    @classmethod
    def _has_a_group(cls, document: str | None) -> str | None:
        if document is not None:
            try:
                compiled = regex.compile(document)
            except regex.error as error:
                raise ValueError(f"not a regular expression: {error}") from None
            if compiled.groups != 1:
                raise ValueError("must have exactly one group, such as ^([0-9]+)_")
        return document
