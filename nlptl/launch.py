"""Several processes on this machine: starting them through torchrun, and making sure that they are there."""

from __future__ import annotations

import atexit
import os
import re
import sys
import uuid
from collections.abc import Sequence

from nlptl.errors import BadInput, Problem

ASKED = "NLPTL_PROCESSES"


def inside() -> bool:
    """Say whether torchrun or `accelerate launch` started this process as one of several."""
    return "LOCAL_RANK" in os.environ


def rank() -> int:
    """Give this process's number, 0 where there is one."""
    return int(os.environ.get("RANK", "0"))


def speaks() -> bool:
    """Say whether this process is the one of the command that says how it ended: rank 0, not the one that starts it."""
    return rank() == 0 and (inside() or ASKED not in os.environ)


def again(arguments: Sequence[str], processes: int) -> int:
    """Start this command again as `processes` processes, by torchrun's own launcher; give the exit code of the first
    that failed.
    """
    import logging

    import torch
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ[ASKED] = str(processes)
    if not torch.cuda.is_available():
        # accelerate starts one process without a word if it is not told that the processes share a CPU.
        os.environ["ACCELERATE_USE_CPU"] = "true"
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    # The processes print their own errors; the launcher's summary of them is for people who debug the launcher.
    for name in ("torch.distributed.elastic", "torch.distributed.elastic.agent.server.api"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    settings = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=processes, rdzv_backend="c10d", rdzv_endpoint="localhost:0",
        max_restarts=0, monitor_interval=0.2, run_id=uuid.uuid4().hex,
    )  # fmt: skip
    try:
        elastic_launch(settings, sys.executable)("-m", "nlptl", *arguments)
    except ChildFailedError as failure:
        code = int(failure.get_first_failure()[1].exitcode)
        return code if code >= 0 else 128 - code
    except SignalException as stopped:  # it has passed the signal on, and the processes have written a checkpoint
        return 128 + int(stopped.sigval)
    return 0


def check_world() -> None:
    """Hold the number of processes that was asked for against what is here.

    `accelerate launch --cpu --num_processes 2` starts one process, with exit code 0 and no warning (seen with 1.15).
    """
    found = int(os.environ.get("WORLD_SIZE", "1"))
    asked = int(os.environ.get(ASKED) or _asked_of_accelerate() or found)
    if asked != found:
        fix = f"start with `nlptl run RECIPE --processes {asked}`, or with torchrun"
        raise BadInput("processes", Problem(f"{asked} were asked for, {found} is here", fix=fix))


def part() -> None:
    """Leave the other processes in good order and end this one: all meet, then each ends its threads, and nothing is
    taken apart after that but what was registered for the exit.

    A process that simply ends while gloo's threads still run was seen to abort, after a run that was finished.
    """
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
        distributed.destroy_process_group()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _asked_of_accelerate() -> str | None:
    """Give the number on the command line of the `accelerate launch` that started this process, which tells us only
    there.
    """
    if inside() or "ACCELERATE_MIXED_PRECISION" not in os.environ:
        return None
    import psutil

    try:
        line = "\0".join(psutil.Process().parent().cmdline())
    except (psutil.Error, AttributeError):
        return None
    found = re.search(r"launch\0(?:.*\0)?--num[_-]processes[=\0](\d+)", line)
    return found[1] if found else None
