"""Run measurements that need no window, each in a process of its own."""

import argparse
import subprocess
import sys

NAMES = ("weight_map", "halo", "memory", "prediction")

parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME", help=", ".join(NAMES))
for name in parser.parse_args().names:
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
