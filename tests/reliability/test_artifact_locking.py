"""One process a run directory, and signals: rows T7 and T8."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from artifact_help import python

from nlptl import artifacts
from nlptl.errors import Locked

HOLD = """
    import sys, time
    from pathlib import Path
    from nlptl import artifacts, errors
    while not Path(sys.argv[2]).exists():
        time.sleep(0.001)
    try:
        with artifacts.lock(Path(sys.argv[1])):
            print("holds", flush=True)
            time.sleep(60)
    except errors.Locked as error:
        print(error)
        sys.exit(error.exit_code)
"""


def test_of_eight_starts_one_wins_and_the_next_start_works_when_it_is_killed(tmp_path: Path) -> None:
    run, go = tmp_path / "run", tmp_path / "go"
    processes = [python(HOLD, run, go) for _ in range(8)]
    time.sleep(0.3)
    go.touch()
    while sum(process.poll() is not None for process in processes) < 7:
        time.sleep(0.01)
    (winner,) = (process for process in processes if process.returncode is None)
    host, now = os.uname().nodename, time.strftime("%Y-%m-%dT")
    for process in processes:
        if process is not winner:
            output, errors = process.communicate()
            assert process.returncode == 3, errors
            assert f"process {winner.pid} on {host} has worked here since {now}" in output
    with pytest.raises(Locked, match=f"process {winner.pid} "), artifacts.lock(run):
        pass
    winner.kill()
    winner.communicate()
    with artifacts.lock(run):
        assert json.loads((run / ".lock").read_text())["pid"] == os.getpid()
        with pytest.raises(Locked, match=f"process {os.getpid()} "), artifacts.lock(run):
            pass
    with artifacts.lock(run):
        pass


def test_the_name_that_a_dead_holder_left_is_not_reported(tmp_path: Path) -> None:
    dead = python("")
    dead.communicate()
    host = os.uname().nodename
    left = json.dumps({"pid": dead.pid, "host": host, "started": "2020-02-02T02:02:02+00:00"})
    (tmp_path / ".lock").write_text(left)
    with (tmp_path / ".lock").open("r+") as winner:  # one that has the lock and has yet to write its name
        fcntl.flock(winner, fcntl.LOCK_EX)
        late = threading.Timer(0.3, (tmp_path / ".lock").write_text, [left.replace(str(dead.pid), str(os.getpid()))])
        late.start()
        with pytest.raises(Locked, match=f"process {os.getpid()} on {host}"), artifacts.lock(tmp_path):
            pass
        late.join()


def test_a_forked_worker_does_not_keep_the_lock_of_a_killed_holder(tmp_path: Path) -> None:
    code = """
        import os, sys, time
        from pathlib import Path
        from nlptl import artifacts
        with artifacts.lock(Path(sys.argv[1])):
            child = os.fork()
            if child == 0:  # a worker that has surely started
                print(os.getpid(), flush=True)
            time.sleep(60)
    """
    holder = python(code, tmp_path)
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    holder.kill()
    holder.wait()
    try:
        os.kill(child, 0)  # lives
        with artifacts.lock(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        holder.communicate()


def test_a_forked_worker_that_leaves_the_block_does_not_free_the_lock(tmp_path: Path) -> None:
    with artifacts.lock(tmp_path):
        code = """
            import os, sys
            from pathlib import Path
            from nlptl import artifacts, errors
            with artifacts.lock(Path(sys.argv[1])):
                child = os.fork()
                if child:
                    print(os.waitpid(child, 0)[1])
                    try:
                        with artifacts.lock(Path(sys.argv[1])):
                            print("free")
                    except errors.Locked:
                        print("locked")
        """
        other = tmp_path / "other"
        output, errors = python(code, other).communicate(timeout=20)
        assert output.split() == ["0", "locked"], errors


def test_signals_become_flags_and_the_old_handlers_return() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)]
    with artifacts.signals() as asked:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert (asked.take_save(), asked.take_save()) == (True, False)
        assert (asked.requested, asked.stop, asked.exit_code()) == (False, None, 0)
        os.kill(os.getpid(), signal.SIGTERM)
        assert (asked.requested, asked.stop) == (True, signal.SIGTERM)
        with pytest.raises(SystemExit) as left:
            asked.leave()
        assert left.value.code == 143
    with artifacts.signals() as asked:
        os.kill(os.getpid(), signal.SIGINT)
        assert (asked.stop, asked.exit_code()) == (signal.SIGINT, 130)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)] == before


def test_outside_the_main_thread_there_are_no_handlers() -> None:
    found: list[artifacts.Stop] = []

    def work() -> None:
        with artifacts.signals() as asked:
            found.append(asked)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [artifacts.Stop()]


def test_a_forked_worker_dies_of_sigterm_and_leaves_ctrl_c_to_its_parent() -> None:
    code = """
        import os, signal, time
        from nlptl import artifacts
        with artifacts.signals() as asked:
            child = os.fork()
            if child == 0:
                time.sleep(20)
                os._exit(7)
            time.sleep(0.2)
            os.kill(child, signal.SIGINT)
            time.sleep(0.2)
            print(os.waitpid(child, os.WNOHANG)[0])
            os.kill(child, signal.SIGTERM)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), asked.stop)
    """
    output, errors = python(code).communicate(timeout=30)
    assert output.split() == ["0", "-15", "None"], errors
