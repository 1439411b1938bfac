"""Several processes on this machine: starting them through torchrun, and making sure that they are there."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from nlptl.errors import BadInput, Problem

ASKED = "NLPTL_PROCESSES"


def inside() -> bool:
    """Say whether torchrun or `accelerate launch` started this process as one of several."""
    return "LOCAL_RANK" in os.environ


def rank() -> int:
    """Give this process's number, 0 where there is one."""
    return int(os.environ.get("RANK", "0"))


def again(arguments: Sequence[str], processes: int) -> int:
    """Start this command again as `processes` processes, by torchrun's own launcher; give the exit code of the first
    that failed.
    """
    import logging

    import torch
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ[ASKED] = str(processes)
    if not torch.cuda.is_available():
        # accelerate starts one process without a word if it is not told that the processes share a CPU.
        os.environ["ACCELERATE_USE_CPU"] = "true"
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    # The processes print their own errors; the launcher's summary of them is for people who debug the launcher.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    settings = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=processes, rdzv_backend="c10d", rdzv_endpoint="localhost:0",
        max_restarts=0,
        monitor_interval=0.2,
    )  # fmt: skip
    try:
        elastic_launch(settings, sys.executable)("-m", "nlptl", *arguments)
    except ChildFailedError as failure:
        code = int(failure.get_first_failure()[1].exitcode)
        return code if code >= 0 else 128 - code
    return 0


def check_world() -> None:
    """Hold the number of processes that was asked for against what is here.

    `accelerate launch --cpu --num_processes 2` was seen to start one process, with exit code 0 and no warning.
    """
    asked = os.environ.get(ASKED) or os.environ.get("ACCELERATE_NUM_PROCESSES")
    found = int(os.environ.get("WORLD_SIZE", "1"))
    if asked is not None and int(asked) != found:
        fix = "start with `nlptl run … --processes N`, or with torchrun"
        raise BadInput("processes", Problem(f"{asked} were asked for, {found} is here", fix=fix))
