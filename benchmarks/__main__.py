"""`python -m benchmarks [part …]`: measure, print a table, write it as Markdown and JSON under outputs/bench/."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks import curvature, equations, loop, signals, steps, time_to_quality
from siren_pl.training.allocator import reuse_pages

PARTS = {
    "steps": steps.run,
    "loop": loop.run,
    "signals": signals.run,
    "curvature": curvature.run,
    "equations": equations.run,
}
# These parts take long, so they run only if they are named.
LONG_PARTS = {"time_to_quality": time_to_quality.run}
TARGET = Path("outputs/bench")
MEANINGS = {
    "_vs_official": "time of the official recipe / ours, each as its users run it",
    "_bf16_vs_official": "the official recipe in float32 / ours with trainer.precision=bf16-mixed",
    "_same_allocator": "the same, with our allocator's setting for both",
    "_memory_vs_official": "our peak tensor bytes / the official recipe's",
    "_vs_siren_pytorch": "time of siren-pytorch / ours, each as its users run it",
    "_vs_floor": "our time / the matrix products alone",
    "loop_overhead": "train.py's loop over a bare loop of the same step, as a fraction",
    "loop_overhead_tiny_ms": "milliseconds that the loop adds to a step of a tiny network",
    "_ms": "our step in milliseconds",
    "signals_batched_vs_sequential": "64 signals of 32 x 32: loops one by one / together, 1,024 points a step",
    "signals_batched_vs_sequential_bf16": "the same, bf16 on both sides",
    "signals_batched_vs_sequential_64_points": "the same with 64 points a step",
    "signals_batched_vs_sequential_64_points_bf16": "the same with 64 points a step, bf16 on both sides",
    "signals_batched_vs_multirun": "64 signals: a multirun of single fits / one run of the set",
    "signals_batched_vs_multirun_bf16": "the same, bf16 on both sides",
    "burgers_seconds": "Burgers' equation: seconds of our steps, without compilation",
    "burgers_deepxde_seconds": "Burgers' equation: seconds of DeepXDE's steps",
    "burgers_vs_deepxde": "Burgers' equation: seconds of DeepXDE / ours for the same steps, points and network",
    "_relative_l2": "relative L2 error at their end",
    "/seconds_to_": "training seconds until the trained pixels reach this PSNR",
    "/points_to_": "points seen until then",
    "/heldout_psnr_at_": "PSNR of the held-out pixels at that moment",
    "_vs_nested": "3-D, 1,000 points: nested autograd / our compiled jets, with the backward pass",
    "_vs_paper_": "seconds of the paper's recipe / ours to this PSNR",
}


def meaning(name: str) -> str:
    """Explain a number by the longest part of its name that has an explanation."""
    found = [key for key in MEANINGS if key in name]
    return MEANINGS[max(found, key=len)] if found else ""


def machine(device: torch.device) -> str:
    """Describe the machine in a line."""
    chip = torch.cuda.get_device_name() if device.type == "cuda" else platform.processor() or platform.machine()
    return f"{chip}, {torch.get_num_threads()} threads, torch {torch.__version__}, Python {platform.python_version()}"


def main(names: list[str]) -> int:
    """Run the named parts, or all of them."""
    known = PARTS | LONG_PARTS
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"error: no benchmark named {unknown[0]}: choose among {', '.join(known)}.", file=sys.stderr)
        return 1
    reuse_pages()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    results: dict[str, float] = {}
    for name in names or PARTS:
        results |= known[name](device)
    table = Table("figure", "value", "meaning", title=machine(device))
    lines = [machine(device), "", "| figure | value | meaning |", "|---|---|---|"]
    for name, value in results.items():
        table.add_row(name, f"{value:.3g}", meaning(name))
        lines.append(f"| `{name}` | {value:.3g} | {meaning(name)} |")
    Console().print(table)
    TARGET.mkdir(parents=True, exist_ok=True)
    suffix = f"_{'_'.join(names)}" if names else ""
    (TARGET / f"results{suffix}.json").write_text(json.dumps(results, indent=2) + "\n")
    (TARGET / f"results{suffix}.md").write_text("\n".join(lines) + "\n")
    print(TARGET / f"results{suffix}.json")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
