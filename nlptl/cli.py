"""The command line: parse, call, print. Results go to standard output, messages to standard error."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from nlptl.errors import BadInput, NlptlError, Problem

Numbers = Literal["fp32", "bf16"]

app = typer.Typer(
    name="nlptl", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Transfer learning for NLP from one recipe file.", context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip

Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Overrides, such as train.epochs=3.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Out = Annotated[Path, typer.Option(help="Folder of run directories.")]
Offline = Annotated[bool, typer.Option("--offline", help="Fetch nothing; use what is in the caches.")]
RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of a shipped one.")]


@app.command()
def run(
    recipe: RecipeName,
    overrides: Overrides = None,
    out: Out = Path("runs"),
    processes: Annotated[int, typer.Option(min=1, help="Processes on this machine, through torchrun.")] = 1,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Run a recipe: one run directory a seed; finished ones are found, begun ones go on."""
    from nlptl import launch, terminal

    if processes > 1 and not launch.inside():
        raise typer.Exit(launch.again(sys.argv[1:], processes))
    launch.check_world()
    from nlptl.run import run as run_recipe

    with terminal.watch(quiet=launch.rank() > 0) as watch:
        results = run_recipe(recipe, overrides=overrides or (), out=out, offline=offline, watch=watch)
    if launch.rank() == 0:
        terminal.show_results(results, as_json=as_json)


@app.command()
def check(
    recipes: Annotated[
        list[str], typer.Argument(metavar="RECIPE...", help="Recipes; KEY=VALUE items override all of them.")
    ],
    as_json: AsJson = False,
) -> None:
    """Say everything that is wrong with recipes, without loading a model. Exit code 2 if anything is."""
    from nlptl import terminal
    from nlptl.checks import check as check_recipe

    overrides = [item for item in recipes if "=" in item and not Path(item).exists()]
    faults = []
    for name in (item for item in recipes if item not in overrides):
        try:
            checked = check_recipe(name, overrides)
        except BadInput as problem:
            faults.append(problem)
        else:
            terminal.show_checked(name, checked, as_json=as_json)
    if faults:
        for fault in faults:
            terminal.show_problem(fault, as_json=as_json)
        raise typer.Exit(BadInput.exit_code)


@app.command()
def plan(
    recipe: RecipeName,
    overrides: Overrides = None,
    out: Out = Path("runs"),
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Say what a recipe will do: rows, steps, trainable parameters, memory, minutes, the smallest difference its
    test can show.
    """
    from nlptl import terminal
    from nlptl.checks import check as check_recipe
    from nlptl.plan import plan as plan_recipe

    terminal.show_plan(plan_recipe(check_recipe(recipe, overrides or ()), out=out, offline=offline), as_json=as_json)


@app.command()
def predict(
    run_directory: Annotated[str, typer.Argument(metavar="RUN", help="A run directory, or the model folder in one.")],
    source: Annotated[
        str, typer.Argument(metavar="[FILE]", help="A text a line, or JSON lines; `-` is standard input.")
    ] = "-",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    numbers: Annotated[Numbers | None, typer.Option("--precision", help="Absent: as it was trained.")] = None,
) -> None:
    """Predict the lines of a file: JSON lines on standard output, in the order of the input."""
    from nlptl import terminal
    from nlptl.predict import predict_lines

    with terminal.watch(quiet=False) as watch:
        predict_lines(run_directory, source, sys.stdout, device=device, numbers=numbers, watch=watch)


@app.command(name="ls")
def list_runs(out: Annotated[Path, typer.Argument(metavar="[FOLDER]")] = Path("runs"), as_json: AsJson = False) -> None:
    """List the runs of a folder with their scores."""
    from nlptl import terminal

    terminal.show_runs(out, as_json=as_json)


@app.command()
def cp(
    recipe: Annotated[str, typer.Argument(metavar="[RECIPE]", help="Absent: list what is shipped.")] = "",
    target: Annotated[Path | None, typer.Argument(help="Where to; absent: its own name here.")] = None,
) -> None:
    """Copy a shipped recipe, to edit it; a file that is there is never overwritten."""
    from nlptl import artifacts, cards
    from nlptl.checks import find

    shipped = cards.shipped("recipes")
    known = sorted(str(file.relative_to(shipped).with_suffix("")) for file in shipped.rglob("*.yaml"))
    if not recipe:
        print("\n".join(known))
        return
    source = find(recipe)
    if not source.is_file():
        from nlptl.errors import did_you_mean

        raise BadInput(recipe, Problem("no such recipe is shipped", fix=did_you_mean(recipe, known)))
    place = target or Path(source.name)
    place = place / source.name if place.is_dir() else place
    if place.exists():
        raise BadInput(str(place), Problem("is there already", fix="name another file"))
    artifacts.write_text(place, source.read_text(encoding="utf-8"))
    print(place)


@app.command()
def schema() -> None:
    """Print the JSON Schema of recipes, for editors: nlptl schema > nlptl.schema.json."""
    import json

    from nlptl import strict
    from nlptl.recipe import Recipe

    print(json.dumps(strict.schema(Recipe, "nlptl recipe"), indent=2, ensure_ascii=False))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what this machine has: versions, devices, precision and kernels, disk, caches."""
    from nlptl import terminal

    terminal.show_doctor(as_json=as_json)


@app.command()
def fetch(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME...", help="Recipes, cards or checkpoints; all that they need is brought."),
    ],
) -> None:
    """Bring checkpoints and data into the cache, so that runs need no network."""
    from nlptl import fetching, terminal

    with terminal.watch(quiet=False) as watch:
        for name in names:
            for line in fetching.fetch(name, watch):
                print(line)


@app.callback(invoke_without_command=True)
def version(
    context: typer.Context, show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Transfer learning for NLP from one recipe file, with numbers you can trust."""
    if show:
        from nlptl.version import __version__

        print(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; a user's mistake ends with its message and exit code, never with a traceback."""
    try:
        app(args=arguments, standalone_mode=True)
    except NlptlError as problem:
        from nlptl import launch, terminal

        if launch.rank() == 0:
            terminal.show_problem(problem, as_json="--json" in (arguments if arguments is not None else sys.argv))
        sys.exit(problem.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
