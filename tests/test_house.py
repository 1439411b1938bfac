"""The house: imports go down, kinds know no kinds, the doors open without torch, and nothing grows too large."""

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "nlptl"
FLOORS = {
    0: ["errors", "strict", "kinds", "seeds", "version", "__init__"],
    1: [
        "cards", "checks", "recipe", "records", "archives", "sources", "tasks", "tuning", "metrics", "statistics",
        "baselines", "labelling", "labels", "texts", "pages", "planting", "sniffing",
        "answers", "documents", "questions", "reading", "question_overlap", "spans", "execution", "forms", "nearest",
        "geography", "grammars", "parses", "augment", "edits", "plans", "languages", "contradictions", "logme",
        "naming", "noise", "targets",
        "advice", "unsaid", "scored_cards", "whole_words", "wordnet", "likelihoods", "masking",
    ],
    3: [
        "backbone", "data", "groups", "engine", "evaluate", "evaluate_metrics", "precision", "computing", "screening",
        "inspection", "frozen", "augmenting", "aligning", "advising", "step_memory",
    ],
    4: [
        "artifacts", "crash", "doctor", "fetching", "job", "launch", "memories", "plan", "predict", "prepare", "report",
        "runs", "saved", "state", "filling", "at_hand", "look", "compare", "replay", "begin", "model_card", "exporting",
        "auditing", "search", "domains", "unlabelled", "keeping",
        "phases", "scoring", "finishing", "mixing", "mixtures",
    ],
    5: ["cli", "doors", "terminal", "__main__"],
}  # fmt: skip
FLOOR = {name: floor for floor, names in FLOORS.items() for name in names} | {"modules": 2, "importers": 2}
SHELVES = ("sources", "tasks", "tuning", "augment", "plans")
FILES = sorted(PACKAGE.rglob("*.py"))


def floor_of(module: str) -> int:
    """Give a module's floor: `nlptl.tasks` is a contract (1), `nlptl.tasks.classification` a kind (2)."""
    parts = module.split(".")
    if parts == ["nlptl"]:
        return 0
    if parts[1] in SHELVES and len(parts) > 2:
        return 2
    return FLOOR[parts[1]]


def module_of(file: Path) -> str:
    parts = list(file.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(file: Path, *, inside_functions: bool) -> set[str]:
    """Give the modules of nlptl that a file imports when it runs; what only type checkers see does not count."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    hidden = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for statement in branch.body
        for node in ast.walk(statement)
    }
    if not inside_functions:
        hidden |= {
            id(node)
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(function)
        }
    found = set()
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                path = ROOT / Path(*inner.split("."))
                found.add(inner if path.with_suffix(".py").exists() or path.is_dir() else node.module)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_go_down(file: Path) -> None:
    own = module_of(file)
    above = {
        name
        for name in imports_of(file, inside_functions=own != "nlptl")
        if name.split(".")[0] == "nlptl" and floor_of(name) > floor_of(own)
    }
    assert not above, f"{own} (floor {floor_of(own)}) imports {above}"


@pytest.mark.parametrize(
    "file",
    [file for file in FILES if floor_of(module_of(file)) == 2 and file.name != "__init__.py"],
    ids=lambda file: str(file.relative_to(ROOT)),
)
def test_kinds_do_not_import_kinds(file: Path) -> None:
    own = module_of(file)
    others = {name for name in imports_of(file, inside_functions=True) if name.startswith("nlptl.") and name != own}
    kinds = {name for name in others if name.split(".")[1] in SHELVES and len(name.split(".")) > 2}
    assert not kinds, f"{own} imports {kinds}"


def test_no_import_cycles() -> None:
    graph = {module_of(file): imports_of(file, inside_functions=False) for file in FILES}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"cycle: {' -> '.join([*trail[trail.index(name) :], name])}"
        if name in done or name not in graph:
            return
        for inner in graph[name] - {name}:
            # A folder's own __init__ gathers its files; the files do not import it back.
            visit(inner, (*trail, name))
        done.add(name)

    for name in graph:
        visit(name, ())


HEAVY = ("torch", "transformers", "datasets", "peft", "accelerate", "evaluate", "sklearn", "pandas", "pyarrow")


@pytest.mark.parametrize(
    "line", ["import nlptl", "import nlptl.cli", "import nlptl.checks, nlptl.recipe", "import nlptl.labels"]
)
def test_doors_open_without_torch(line: str) -> None:
    code = f"{line}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.strip()
    assert found == "[]"


def functions_of(file: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_sizes(file: Path) -> None:
    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert lines <= 300, f"{lines} lines; a file that outgrows 300 becomes a folder"
    for function in functions_of(file):
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= 50, f"{function.name}: {length} lines, at most 50"
        assert function.args.kwarg is None, f"{function.name} takes **{function.args.kwarg.arg}"


def test_functions_are_short() -> None:
    lengths = [(node.end_lineno or 0) - node.lineno + 1 for file in FILES for node in functions_of(file)]
    assert statistics.median(lengths) <= 12


def test_every_module_and_public_function_says_what_it_does() -> None:
    bare = []
    for file in FILES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        if not ast.get_docstring(tree):
            bare.append(module_of(file))
        for node in tree.body:
            if (
                isinstance(node, ast.FunctionDef | ast.ClassDef)
                and not node.name.startswith("_")
                and not ast.get_docstring(node)
            ):
                bare.append(f"{module_of(file)}.{node.name}")
    assert not bare
