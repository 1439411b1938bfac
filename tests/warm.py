"""Processes that start warm. A server imports torch and transformers once; each process is a fork of it.

What a fork shares with the next one: the libraries, and the seed of hashes. nlptl itself is imported by each process
anew, and no process sees what another one computed. Starting Python and these imports cost six seconds each time, so
tests of what a process computes start warm, and tests of starting itself (torchrun, `accelerate launch`, the reload
gate, imports, variables that libraries read when imported) stay cold: `tiny.python`.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
PLACE = "NLPTL_TEST_WARM"
"""The environment variable that names the server's socket."""
SECONDS = 150
GATE = [sys.executable, "-P", "-m", "nlptl.saved"]
LIBRARIES = (
    "pydantic", "ruamel.yaml", "typer", "psutil", "numpy", "torch", "torch.distributed", "torch.nn.parallel",
    "transformers", "transformers.modeling_utils", "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto", "transformers.convert_slow_tokenizer",
    "transformers.models.bert.modeling_bert", "accelerate",
)  # fmt: skip


class Server:
    """The server, for as long as the tests last; it imports nothing before the first process is asked for."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="warm-")
        place = os.environ[PLACE] = f"{self.folder}/socket"
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(place)
            door.listen(64)
            line = [sys.executable, __file__, str(door.fileno())]
            self.process = subprocess.Popen(
                line, pass_fds=[door.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip

    def stop(self) -> None:
        """End it. What it started ends by itself when nobody waits for it."""
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


def run(
    line: Sequence[str], *, given: str = "", environment: Mapping[str, str], cwd: Path = ROOT, ranks: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run `-m MODULE …` or `-c CODE …` in a fork of the server, or in `ranks` of them which find each other.

    When one rank fails the others are told to end, as torchrun does; the exit code is that of the first that failed.
    """
    with (
        tempfile.TemporaryFile("w+") as put, tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err,
        socket.socket(socket.AF_UNIX) as asked,
    ):  # fmt: skip
        put.write(given)
        put.seek(0)
        asked.settimeout(SECONDS)
        asked.connect(environment[PLACE])
        request = {"line": list(line), "environment": dict(environment), "cwd": str(cwd), "ranks": ranks}
        message = json.dumps(request).encode()
        socket.send_fds(asked, [len(message).to_bytes(8, "big")], [put.fileno(), out.fileno(), err.fileno()])
        asked.sendall(message)
        try:
            code = asked.recv(64)
        except TimeoutError:
            code = b""
        for told in (out, err):
            told.seek(0)
        said, told_of = out.read(), err.read()
    if not code:
        raise AssertionError(f"{' '.join(line)} hangs:\n{told_of[-2000:]}")
    return subprocess.CompletedProcess(list(line), int(code), said, told_of)


def _serve(door: socket.socket) -> None:
    """Fork a keeper for each request."""
    parent, ready = os.getppid(), False
    while os.getppid() == parent:
        if select.select([door], [], [], 1.0)[0]:
            asked, _ = door.accept()
            if not ready:
                _import()
                ready = True
            if os.fork() == 0:
                door.close()
                _keep(asked)
            asked.close()
        while ready:
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                break


def _import() -> None:
    for name in LIBRARIES:
        importlib.import_module(name)
    assert "nlptl" not in sys.modules
    assert len(os.listdir("/proc/self/task")) == 1, "a fork has one thread only; what other threads hold stays locked"
    gc.collect()
    gc.freeze()


def _keep(asked: socket.socket) -> NoReturn:
    """Start the processes of one request, wait for them, and tell the code."""
    size, files, _, _ = socket.recv_fds(asked, 8, 3)
    message = b""
    while len(message) < int.from_bytes(size, "big"):
        message += asked.recv(1 << 20)
    request = json.loads(message)
    children, first = [], None
    for own in _places(request["ranks"]):
        child = os.fork()
        if child == 0:
            asked.close()
            _become(request, own, files)
        children.append(child)
    told = 0.0
    while children:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended:
            children.remove(ended)
            code = os.waitstatus_to_exitcode(status)
            first = first or code
        gone = bool(select.select([asked], [], [], 0 if ended else 0.02)[0])
        if (gone or first) and not told:
            told = time.monotonic()
            _send(children, signal.SIGTERM)
        if told and time.monotonic() > told + 30:
            _send(children, signal.SIGKILL)
    asked.close() if gone else asked.sendall(str(first).encode())
    os._exit(0)


def _send(children: Sequence[int], number: int) -> None:
    for child in children:
        os.kill(child, number)


def _places(ranks: int) -> list[dict[str, str]]:
    """Give what torchrun tells each of several processes on one machine; one process alone is told nothing."""
    if not ranks:
        return [{}]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "GROUP_RANK": "0", "ACCELERATE_USE_CPU": "true",
              "WORLD_SIZE": str(ranks), "LOCAL_WORLD_SIZE": str(ranks), "NLPTL_PROCESSES": str(ranks)}  # fmt: skip
    return [{**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(ranks)]


def _become(request: Mapping[str, Any], own: Mapping[str, str], files: Sequence[int]) -> NoReturn:
    """Be the process that was asked for, in this fork."""
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update({**request["environment"], **own})
    sys.path[0] = "" if request["line"][0] == "-c" else os.getcwd()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    plain: Any = subprocess.run

    def gate(line: Any, **options: Any) -> Any:
        """Let the reload gate's process start warm too."""
        if line != GATE:
            return plain(line, **options)
        return run(line[2:], given=options["input"], environment=options["env"])

    subprocess.run = gate
    code: Any = 1
    try:
        flag, what, *arguments = request["line"]
        sys.argv = [flag, *arguments]
        if flag == "-c":
            exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
        else:
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code or 0
        if not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code & 0xFF)


if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    _serve(socket.socket(fileno=int(sys.argv[1])))
