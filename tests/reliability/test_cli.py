"""The command line as people meet it: what goes where, exit codes, no traceback, no stray bars, signals."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
from artifact_help import tree
from bad_inputs_help import Said, command, recipe

from nlptl import artifacts, cards, cli, launch, runs, strict
from nlptl.artifacts import locking
from nlptl.errors import BadInput, Locked, NoCheckpoint, NumericFailure, OutOfSpace, ReloadMismatch

Capsys = pytest.CaptureFixture[str]
Make = Callable[..., tiny.Tiny]
COMMANDS = ("run", "check", "plan", "predict", "ls", "cp", "schema", "doctor", "fetch")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def finished(checkpoint: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the run directory of a run that a process of its own finished; tests must not write to it."""
    folder = tmp_path_factory.mktemp("finished")
    path = tiny.write_recipe(folder / "recipe.yaml", tiny.recipe_tree(checkpoint("bert"), tiny.write_card(folder)))
    done = tiny.python("-m", "nlptl", "run", str(path), "--out", str(folder / "runs"))
    (folder / "said.json").write_text(json.dumps({"out": done.stdout, "err": done.stderr, "code": done.returncode}))
    return next((folder / "runs").iterdir())


def said_by(finished: Path) -> Said:
    return Said(**json.loads((finished.parent.parent / "said.json").read_text()))


def test_help_of_every_command_names_it(capsys: Capsys) -> None:
    whole = command(capsys, "--help")
    assert whole.code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in whole.out
        one = command(capsys, name, "--help")
        assert (one.code, one.err) == (0, "")
        assert f"Usage: nlptl {name}" in one.out


def test_without_a_command_the_help_is_shown(capsys: Capsys) -> None:
    assert command(capsys).out == command(capsys, "-h").out
    assert command(capsys, "--version").out.count(".") == 2


@pytest.mark.parametrize("line", [["--help"], ["run", "--help"], ["check", "quickstart"], ["schema"], ["ls"], ["cp"]])
def test_light_commands_import_nothing_heavy(line: list[str]) -> None:
    code = f"""
import sys
from nlptl import cli
try:
    cli.main({line!r})
finally:
    heavy = {{"torch", "transformers", "datasets", "numpy", "rich", "pandas"}}
    print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""
    done = tiny.python("-c", code)
    assert done.returncode == 0
    assert done.stderr.strip().endswith("[]"), done.stderr


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (["runn"], "Did you mean 'run'?"),
        (["run"], "Missing argument 'RECIPE'"),
        (["run", "quickstart", "--ofline"], "--offline"),
        (["run", "quickstart", "--processes", "0"], "--processes"),
        (["predict", "x", "--precision", "fp8"], "'fp32', 'bf16'"),
        (["check"], "Missing argument 'RECIPE'"),
        (["check", "train.epochs=3"], "no recipe is named"),
        (["ls", "nowhere"], "no such folder"),
        (["cp", "quikstart"], "did you mean 'quickstart'?"),
        (["fetch", "movie_revews"], "did you mean 'movie_reviews'?"),
        (["predict", "nowhere"], "no model of nlptl's here"),
        (["plan", "nowhere"], "no such file"),
    ],
)
def test_usage_errors(line: list[str], part: str, capsys: Capsys, tmp_path: Path) -> None:
    said = command(capsys, *line)
    said.has(part)
    assert said.out == ""
    assert tree(tmp_path) == {}


def test_json_errors_are_json(capsys: Capsys) -> None:
    said = command(capsys, "plan", "nowhere", "--json")
    found = json.loads(said.out)
    assert (said.code, found["exit_code"], found["error"], said.err) == (2, 2, "BadInput", "")
    assert found["problems"][0]["what"].startswith("no such file")


def test_check_of_several_recipes(capsys: Capsys, tmp_path: Path) -> None:
    good, bad = recipe(tmp_path), tmp_path / "bad.yaml"
    bad.write_text(good.read_text().replace("epochs: 2", "epochs: 0"))
    said = command(capsys, "check", good, bad, "train.batch=8")
    said.has("bad.yaml:8:3")
    assert said.out == f"{good}: ok\n"
    found = json.loads(command(capsys, "check", good, bad, "--json").out)
    assert [one["ok"] for one in found] == [True, False]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadInput("x", "wrong"), 2),
        (Locked("held"), 3),
        (NoCheckpoint("none"), 4),
        (OutOfSpace("full"), 5),
        (NumericFailure("nan"), 6),
        (ReloadMismatch("differs"), 70),
        (KeyboardInterrupt(), 130),
        (SystemExit(143), 143),
        (AssertionError("never"), 70),
    ],
)
def test_exit_codes(
    error: BaseException, code: int, capsys: Capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **settings: object) -> None:
        raise error

    monkeypatch.setattr(runs, "run", fail)
    said = command(capsys, "run", "quickstart")
    assert (said.code, said.out) == (code, "")
    assert bool(list(tmp_path.glob("nlptl-fault-*.txt"))) == (code == 70)
    assert ("goes on from the last checkpoint" in said.err) == (code in (130, 143))


def test_a_fault_of_ours_is_written_down(capsys: Capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "planted-secret")

    def fail(*arguments: object, **settings: object) -> None:
        raise ZeroDivisionError("while planted-secret was there")

    monkeypatch.setattr(runs, "run", fail)
    said = command(capsys, "run", "quickstart", "data.root=planted-secret")
    (file,) = tmp_path.glob("nlptl-fault-*.txt")
    text = file.read_text()
    assert "a fault of nlptl: ZeroDivisionError: while [hidden] was there" in said.err
    assert file.name in said.err
    assert "Traceback" in text
    assert "nlptl run quickstart" in text
    assert "planted-secret" not in text + said.err
    tmp_path.chmod(0o500)  # root writes all the same; for others the report goes to the temporary folder
    try:
        assert "please report it with the file" in command(capsys, "run", "quickstart").err
    finally:
        tmp_path.chmod(0o700)


def test_a_process_whose_peer_is_gone(capsys: Capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not the one to write a report: the other knows why."""

    def fail(*arguments: object, **settings: object) -> None:
        raise RuntimeError("[gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:8939.")

    monkeypatch.setattr(runs, "run", fail)
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("RANK", "1")
    said = command(capsys, "run", "quickstart")
    assert said == Said(70, "", "process 1: another process of this run has ended; its own message says why\n")
    assert tree(tmp_path) == {}


def test_cp_never_overwrites(capsys: Capsys, tmp_path: Path) -> None:
    assert "quickstart\n" in command(capsys, "cp").out
    assert command(capsys, "cp", "quickstart").out == "quickstart.yaml\n"
    command(capsys, "cp", "quickstart").has("is there already")
    assert command(capsys, "cp", "tasks/sst2", "mine.yaml").code == 0
    assert command(capsys, "check", "quickstart.yaml", "mine.yaml").code == 0


def test_the_schema_takes_what_check_takes(capsys: Capsys) -> None:
    import jsonschema

    schema = json.loads(command(capsys, "schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    recipe, plan = schema["$defs"]["Recipe"], schema["$defs"]["Stages"]
    assert recipe["properties"]["seeds"]
    assert plan["properties"]["stages"]
    for name in ("quickstart.yaml", "transfer/reviews_to_intents.yaml"):
        jsonschema.validate(strict.load(cards.shipped("recipes") / name).data, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**strict.load(cards.shipped("recipes") / name).data, "sed": 1}, schema)


def test_results_and_messages_go_their_own_ways(finished: Path) -> None:
    said = said_by(finished)
    assert said.code == 0
    assert said.out.startswith("tiny, seed 13")
    assert "95 % interval" in said.out
    assert str(finished) in said.out
    assert "step 6: dev" in said.err
    for stray in ("it/s]", "shards", "Warning", "Loading", "\r"):
        assert stray not in said.out + said.err


def test_found_again_and_listed(finished: Path, capsys: Capsys) -> None:
    said = command(capsys, "ls", finished.parent, "--json")
    (one,) = json.loads(said.out)
    assert (one["run"], one["state"], one["metric"]) == (finished.name, "finished", "accuracy")
    shown = command(capsys, "ls", finished.parent)
    assert finished.name in shown.out
    said = command(capsys, "run", finished.parent.parent / "recipe.yaml", "--out", finished.parent, "--json")
    assert json.loads(said.out)[0]["found"] is True
    assert "is finished" in said.err


def test_plan_says_what_will_be(finished: Path, capsys: Capsys) -> None:
    path = finished.parent.parent / "recipe.yaml"
    found = json.loads(command(capsys, "plan", path, "train.epochs=3", "--json").out)
    assert found["rows"] == {"train": 48, "dev": 24, "test": 24}
    assert found["steps"] == 18
    assert found["trainable"] == found["parameters"]


def test_predict_in_the_order_of_the_input(finished: Path, capsys: Capsys, tmp_path: Path) -> None:
    texts = ["a much longer line of words than the others are", "short", "", "middle one"]
    (tmp_path / "in.txt").write_text("\n".join(texts) + "\n")
    lines = [json.loads(line) for line in command(capsys, "predict", finished, "in.txt").out.splitlines()]
    assert [line["id"] for line in lines] == [0, 1, 2, 3]
    turned = [{"text": text, "id": f"row {number}"} for number, text in enumerate(texts)][::-1]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, turned)) + "\n\n")
    again = [json.loads(line) for line in command(capsys, "predict", finished, "in.jsonl").out.splitlines()]
    assert [line["id"] for line in again] == ["row 3", "row 2", "row 1", "row 0"]
    for one, other in zip(lines, again[::-1], strict=True):
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-6)


def test_predict_refuses_all_bad_lines_at_once(finished: Path, capsys: Capsys, tmp_path: Path) -> None:
    bad = ['{"text": "a"}', '{"txt": "b"}', "[1]", '{"text": "a", "text_pair": "k"}', '{"text": "\\ud800"}', "no"]
    (tmp_path / "in.jsonl").write_text("\n".join(bad) + "\n")
    said = command(capsys, "predict", finished, "in.jsonl")
    said.has("5 problems", *(f"in.jsonl:{number}" for number in range(2, 7)))
    assert said.out == ""
    (tmp_path / "latin.txt").write_bytes(b"good\ncaf\xe9\n")
    command(capsys, "predict", finished, "latin.txt").has("latin.txt:2", "0xe9", "iconv")
    (tmp_path / "empty.txt").write_text("")
    assert command(capsys, "predict", finished, "empty.txt") == Said(0, "", "")


def test_two_predictions_with_one_id_are_two(finished: Path, capsys: Capsys, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "a", "id": 7}\n{"text": "b", "id": 7}\n')
    lines = command(capsys, "predict", finished, "in.jsonl").out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [7, 7]


def test_one_process_at_a_time(make: Make, capsys: Capsys) -> None:
    """A second start exits with 3 and names the first."""
    made = make()
    from nlptl import checks, prepare

    inputs = prepare.gather(checks.check(made.recipe))
    directory = made.folder / "runs" / f"tiny-{prepare.digest(inputs, 13)}"
    with artifacts.lock(directory):
        said = command(capsys, "run", made.recipe, "--out", made.folder / "runs")
    assert said.code == 3
    assert f"process {os.getpid()} on " in said.err
    assert sorted(path.name for path in directory.iterdir()) == [locking.LOCK]


def test_a_refused_run_leaves_no_directory(tmp_path: Path) -> None:
    """Whoever waits for a lock whose file was removed must not hold the old one while another holds the new one."""
    place = tmp_path / "run"
    with artifacts.lock(place):
        waiting = os.open(place / locking.LOCK, os.O_RDWR)
        artifacts.forget(place)
        assert not place.exists()
    assert not locking._take(waiting, place)
    fcntl.flock(waiting, fcntl.LOCK_UN)
    os.close(waiting)
    with artifacts.lock(place):
        (place / "something").touch()
        artifacts.forget(place)
        assert (place / "something").exists()


def test_accelerate_that_starts_fewer_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """`accelerate launch --cpu --num_processes 2` starts one process and says nothing; we say it."""
    import psutil

    line = ["python", "accelerate", "launch", "--cpu", "--num_processes", "2", "-m", "nlptl", "run", "x"]
    monkeypatch.setattr(psutil.Process, "cmdline", lambda self: line)
    launch.check_world()
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    with pytest.raises(BadInput, match="2 were asked for, 1 is here"):
        launch.check_world()
    monkeypatch.setattr(
        psutil.Process, "cmdline", lambda self: ["accelerate", "launch", "--num-processes=1", "-m", "x"]
    )
    launch.check_world()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_write_a_checkpoint(number: signal.Signals, code: int, make: Make, tmp_path: Path) -> None:
    made = make(train={"epochs": 10_000})
    environment = {**os.environ, "PYTHONPATH": str(tiny.ROOT)}
    line = [sys.executable, "-m", "nlptl", "run", str(made.recipe), "--out", str(tmp_path / "runs")]
    child = subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: any((tmp_path / "runs").glob("*/checkpoints/latest")), child)
        child.send_signal(number)
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode == code, err
    assert out == ""
    assert "Traceback" not in err
    assert "goes on from the last checkpoint" in err
    (run,) = (tmp_path / "runs").iterdir()
    steps = artifacts.read_lines(run / "log.jsonl")
    latest = (run / "checkpoints" / "latest").read_text().strip()
    assert int(latest.removeprefix("step-")) == steps[-1]["number"]


def wait_for(done: Callable[[], bool], child: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 120
    while not done():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_reader_that_leaves_is_no_error() -> None:
    environment = {**os.environ, "PYTHONPATH": str(tiny.ROOT)}
    line = f"{sys.executable} -m nlptl schema | true"
    done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_main_gives_no_value() -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert end.value.code == 0


def test_time_left_is_that_of_this_time(capsys: Capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work of one name that is done again, as an evaluation is, has a clock of its own each time."""
    from nlptl import terminal

    clock = [0.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: clock[0])
    with terminal.watch(quiet=False) as watch:
        for start in (0.0, 1000.0):
            for done in range(10, 60, 10):
                clock[0] = start + done
                watch.work("evaluate dev", done, 100)
    lines = ["evaluate dev: 20 of 100, 80 s left", "evaluate dev: 50 of 100, 50 s left"]
    shown = capsys.readouterr().err.splitlines()
    assert [shown[0], shown[3], shown[4], shown[7]] == lines * 2


def test_fetch_takes_recipes_and_cards(make: Make, capsys: Capsys) -> None:
    made = make()
    said = command(capsys, "fetch", made.recipe)
    assert said.out.splitlines()[1:] == ["tiny: train, 48 rows", "tiny: dev, 24 rows", "tiny: test, 24 rows"]
    assert "/bert: " in said.out.splitlines()[0]
    assert command(capsys, "fetch", made.folder / "tiny.yaml").out.count("rows\n") == 3


def test_106_no_secret_reaches_the_run(
    make: Make, capsys: Capsys, near_gate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("HF_TOKEN", "WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "NLPTL_TOKEN")
    planted = {name: f"planted-{number}-value" for number, name in enumerate(names)}
    for name, value in planted.items():
        monkeypatch.setenv(name, value)
    address = "https://someone:pw-in-address@host.example/data"
    made = make(data={"root": address})
    said = command(capsys, "run", made.recipe, "--out", made.folder / "runs")
    assert said.code == 0, said.err
    written = b"".join(tree(made.folder / "runs").values()) + (said.out + said.err).encode()
    for secret in (*planted.values(), "pw-in-address"):
        assert secret.encode() not in written
    assert b"host.example" in written, "the address itself is kept"
