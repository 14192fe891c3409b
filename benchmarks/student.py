"""An encoder student beside what else runs encoders, on the same posts with the same weights: see docs/benchmarks.md.

Run: make bench-student [POSTS=2000 or POSTS=file with a post a line] [ARGS="--shapes minilm --ways packed bf16"]. Each
contender has a process of its own. On a machine with a GPU run benchmarks/student_device.py alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch
from engine_report import table
from student_costs import Teacher, costs, kept_share, planned
from student_device import MEDIAN_TOKENS, MOST_TOKENS, SHAPES, SPREAD, Measured, encoder_flops, made_posts, prepare
from student_device import same_share as same

HERE = Path(__file__).resolve().parent
WAYS = ("exact", "packed fp32", "packed bf16", "onnx fp32", "onnx int8")
PEERS = ("transformers.pipeline", "sentence-transformers", "Ray Data")
LEAST_TIMES, LEAST_SAME = 7.0, 0.99


def main() -> None:
    """Prints the sections as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", default="512", help="how many made-up ones, or a file with one a line")
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--peers", default=",".join(PEERS))
    # Source: AWS's list price of c7a.large, two Zen 4 cores with avx512_bf16, on demand in us-east-1, seen in 2025.
    parser.add_argument(
        "--usd-per-hour", type=float, default=0.10264, help="of this machine; the default was not checked"
    )
    parser.add_argument("--teacher", default="google:gemini-2.5-flash", help="as genai-prices names it")
    parser.add_argument("--plan", type=Path, help="what `madang plan TASK --json` printed: the teacher's tokens")
    parser.add_argument("--teacher-tokens", default="1200,120", help="in and out of a post, where there is no plan")
    parser.add_argument("--home", type=Path, help="whose student's promise says what the cascade keeps")
    parser.add_argument("--student", help="such as places@2")
    parser.add_argument("--kept", type=float, default=0.8, help="share that the cascade keeps, where none is named")
    options = parser.parse_args()
    file = Path(options.posts)
    posts = file.read_text("utf-8").splitlines() if file.is_file() else made_posts(int(options.posts))
    told = f"from {file.name}" if file.is_file() else (
        f"made up, lengths log-normal with a median of {MEDIAN_TOKENS} tokens (sigma {SPREAD}), 6 to {MOST_TOKENS}"
    )  # fmt: skip
    sys.stdout.write(
        f"`{' '.join(['python', *sys.argv])}` ({datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {torch.get_num_threads()} "
        f"threads, load {os.getloadavg()[0]:.0f}). {len(posts):,} posts, {told}.\n\n"
    )
    kept = kept_share(options.home, options.student) if options.student else options.kept
    tokens = [float(count) for count in options.teacher_tokens.split(",")]
    teacher = planned(options.teacher, options.plan) if options.plan else Teacher(options.teacher, *tokens)
    for shape in options.shapes.split(","):
        found = contenders(shape, posts, options.peers.split(","), options.ways.split(","))
        sys.stdout.write(f"## {shape}\n\n{section(shape, found, options.usd_per_hour)}\n")
        best = fastest(found)
        asked = f"{teacher.input_tokens:,.0f} tokens in and {teacher.output_tokens:,.0f} out (genai-prices)"
        sys.stdout.write(
            f"A million posts: {teacher.model} at {asked}, this machine at {options.usd_per_hour} USD an hour in the "
            f"way `{best.name}`, {kept:.0%} kept.\n\n"
        )
        sys.stdout.write(costs(teacher, kept, options.usd_per_hour, best.posts / best.seconds) + "\n")


def contenders(shape: str, posts: Sequence[str], peers: Sequence[str], ways: Sequence[str]) -> list[Measured]:
    """Each contender's figures, the peers first; one that fails is told of and left out."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), shape, posts, MOST_TOKENS)
        for name in filter(None, [*peers, *ways]):
            script, option = ("student_peers.py", "--peer") if name in PEERS else ("student_device.py", "--ways")
            command = [sys.executable, str(HERE / script), "--folder", folder, option, name]
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own files
            if done.returncode:
                sys.stdout.write(f"{name} is left out: {done.stderr.strip().splitlines()[-1][:200]}\n\n")
            else:
                found.append(Measured(**json.loads(done.stdout.splitlines()[-1])))
    return found


def section(shape: str, found: Sequence[Measured], usd_per_hour: float) -> str:
    """A shape's table, and what came of the goals."""
    exact = next((one for one in found if one.name == "exact"), found[0])
    first = found[0]
    rows = []
    for one in found:
        rate = one.posts / one.seconds
        flops = encoder_flops(shape, one.tokens, one.posts) / (one.device_seconds or one.seconds)
        rows.append([
            one.name, f"{rate:,.1f}", f"{first.seconds / one.seconds:.1f}", f"{one.tokens / one.seconds:,.0f}",
            f"{rate * 3600 / usd_per_hour / 1e6:,.2f}", f"{one.cpu_seconds / one.posts * 1000:.1f}",
            f"{flops / one.ceiling_flops:.2f}" if one.ceiling_flops else "",
            "" if one.padding is None else f"{one.padding:.3f}",
            "" if one.peak_mib is None else f"{one.peak_mib:,.0f}",
            f"{same(one.labels, exact.labels):.4f}",
        ])  # fmt: skip
    heads = [
        "contender", "posts/s", f"times {first.name}", "tokens/s", "million posts per USD", "CPU s per 1,000 posts",
        "share of the matrix rate", "padding", "peak MiB", "same labels as fp32",
    ]  # fmt: skip
    best = fastest(found)
    times, share = first.seconds / best.seconds, same(best.labels, exact.labels)
    goal = (f"`{best.name}`: {times:.1f} times `{first.name}` (goal {LEAST_TIMES}), {share:.4f} of labels the same "
            f"(goal {LEAST_SAME}).\n") if first.name in PEERS and best.name in WAYS else ""  # fmt: skip
    return table(heads, rows) + "\n" + goal


def fastest(found: Sequence[Measured]) -> Measured:
    """The fastest of those whose labels are nearly all those of fp32; our ways, if any was measured."""
    exact = next((one for one in found if one.name == "exact"), found[0])
    own = [one for one in found if one.name in WAYS] or list(found)
    return min((one for one in own if same(one.labels, exact.labels) >= LEAST_SAME), key=lambda one: one.seconds)


if __name__ == "__main__":
    main()
