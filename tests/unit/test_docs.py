"""The documentation names commands, options, recipes, keys and files that exist."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

from nlptl import cards, checks, cli
from nlptl.plan import reading

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OTHERS = {"make", "printf", "python", "pip", "accelerate", "cd", "git", "cat"}
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)\)")


def module(path: Path) -> Any:
    """Import a script that belongs to no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = found
    spec.loader.exec_module(found)
    return found


docs_commands = module(ROOT / "tests" / "docs_commands.py")
make_reference = module(ROOT / "docs" / "make_reference.py")
make_api = module(ROOT / "docs" / "make_api.py")
make_geography = module(ROOT / "docs" / "make_geography.py")
COMMANDS = [(page.name, line) for page in PAGES for line in docs_commands.commands(page, "sh", "bash")]


def words_of(line: str) -> list[str]:
    """Give a command's words up to a redirection or a pipe."""
    found = []
    for word in shlex.split(line):
        if re.fullmatch(r"\d?[<>|].*", word):
            break
        found.append(word)
    return found


def options_of(name: str) -> set[str]:
    command = typer.main.get_command(cli.app).commands[name]  # type: ignore[attr-defined]
    return {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}


def test_commands_are_found() -> None:
    assert len(COMMANDS) > 10


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=[f"{page}: {line}" for page, line in COMMANDS])
def test_the_command_exists(page: str, line: str) -> None:
    first, *rest = words_of(line)
    if first == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert re.search(rf"^{rest[0]}:", makefile, re.MULTILINE), f"no such target: {rest[0]}"
        return
    if first != "nlptl":
        assert first in OTHERS
        return
    if rest[0].startswith("-"):
        assert rest[0] in ("--help", "--version")
        return
    name, *arguments = rest
    unknown = {word.split("=")[0] for word in arguments if word.startswith("--")} - options_of(name)
    assert not unknown, f"nlptl {name} has no option {unknown}"
    plain = [word for word in arguments if not word.startswith("-") and "=" not in word]
    if name in ("run", "check", "plan") and plain and not plain[0].endswith(".yaml"):
        overrides = [word for word in arguments if "=" in word and not word.startswith("-")]
        read = reading.check if reading.is_plan(plain[0]) else checks.check
        assert read(plain[0], overrides)
    if name in ("cp", "fetch"):
        assert all(word in (*checks.shipped(), *cards.names()) for word in plain[:1])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_reference_of_recipes_is_up_to_date() -> None:
    page = make_reference.PAGE.read_text(encoding="utf-8")
    assert make_reference.with_reference(page) == page, "run: python docs/make_reference.py"


def test_the_python_interface_is_up_to_date() -> None:
    page = make_api.PAGE.read_text(encoding="utf-8")
    assert make_api.page() == page, "run: python docs/make_api.py"
    assert "### `nlptl.load`" in page


def test_the_page_of_the_made_geography_is_up_to_date() -> None:
    page = make_geography.PAGE.read_text(encoding="utf-8")
    assert make_geography.with_parts(page) == page, "run: python docs/make_geography.py"


def test_every_command_is_described() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name in typer.main.get_command(cli.app).commands:  # type: ignore[attr-defined]
        assert f"`nlptl {name}" in page


def test_every_exit_code_is_described() -> None:
    from nlptl import errors

    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    codes = {value.exit_code for value in vars(errors).values() if hasattr(value, "exit_code")}
    assert {f"\n| {code} |" in page for code in codes} == {True}


def test_every_dependency_has_its_reason() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    for one in wanted:
        name = re.split(r"[<>=\[]", one)[0]
        assert f"\n| {name} |" in page, f"docs/dependencies.md does not say why {name}"


def test_the_recipes_on_the_pages_are_good(tmp_path: Path) -> None:
    found = 0
    for page in (ROOT / "README.md", ROOT / "docs" / "recipes.md"):
        for number, body in enumerate(re.findall(r"^```yaml\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)):
            path = tmp_path / f"{page.stem}{number}.yaml"
            path.write_text(body, encoding="utf-8")
            checks.check(path)
            found += 1
    assert found == 2


def test_the_error_on_the_page_is_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nlptl.errors import BadInput

    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    recipe = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[0]
    lines = recipe.replace("learning_rate", "learning_rte").replace("kind: full", "kind: freze")
    monkeypatch.chdir(tmp_path)
    Path("recipe.yaml").write_text(lines.split("\n", 1)[1], encoding="utf-8")
    with pytest.raises(BadInput) as told:
        checks.check("recipe.yaml")
    assert str(told.value) in page
