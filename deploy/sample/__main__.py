"""Make a sample: `python -m deploy.sample OUT --scale 0.1 --seed 1`."""

from __future__ import annotations

import argparse
import gc
from pathlib import Path

from deploy.sample.generate import generate
from deploy.sample.places import CITY


def main() -> None:
    """Write the sample and say what is in it."""
    parser = argparse.ArgumentParser(prog="python -m deploy.sample", description="Make a sample outbreak to play.")
    parser.add_argument("out", type=Path, help="folder to write into")
    parser.add_argument("--scale", type=float, default=0.1, help="1 is Jiaxing's own size; 0.005 is the least")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same bytes")
    asked = parser.parse_args()
    gc.disable()  # a fifth of the time: everything made here lives to the end
    truth = generate(asked.out, asked.scale, asked.seed)
    print(f"{truth['records']} records in {asked.out}; at rest, in {CITY}:")
    for indicator, value in truth["figures"][CITY].items():
        print(f"  {indicator:28} {value}")


if __name__ == "__main__":
    main()
