"""Run all measurements that need no window, each in a process of its own."""

import subprocess
import sys

for name in ("weight_map", "halo", "memory", "prediction"):
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
