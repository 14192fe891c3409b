"""The embedded warehouse beside bare DuckLake, a plain DuckDB file and delta-rs: see docs/benchmarks.md.

Run: make bench-warehouse [ARGS="--rows 1000000 --incoming 100000 --only merge,commits,reads --rounds 1"]. By default a
million rows are merged into ten million, three times each: up to 6 GiB of memory, 8 GB of disk under .madang/bench/,
and about twelve minutes on two cores that have nothing else to do.
"""

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine_report import table

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / ".madang" / "bench"
WRITERS, READERS = 8, 2
ROWS = 100  # of a commit, as warehouse_commits.py makes them
MEASURES = ("seconds", "cpu_seconds", "peak_mib")
LABELS = {
    "madang": "madang's commit", "ducklake": "bare DuckLake `MERGE`", "duckdb": "plain DuckDB file, `MERGE`",
    "duckdb_replace": "plain DuckDB file, delete and insert", "delta": "delta-rs, merge",
}  # fmt: skip
GOAL = 1.3


def main() -> None:
    """Prints the sections as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows that the table holds before the merge")
    parser.add_argument("--incoming", type=int, default=1_000_000, help="rows that are merged into them")
    parser.add_argument("--chunks", type=int, default=50, help="commits of each of eight writers")
    parser.add_argument("--posts", type=int, default=100_000, help="posts of which single ones are read")
    parser.add_argument("--rounds", type=int, default=3, help="merges of each contender; the median counts")
    parser.add_argument("--only", default="merge,commits,reads")
    options = parser.parse_args()
    has_delta = _has_delta()
    sys.stdout.write(
        f"`{' '.join(['python', *sys.argv])}` on {datetime.now(UTC):%Y-%m-%d at %H:%M} UTC, {os.cpu_count()} cores, "
        f"load average {os.getloadavg()[0]:.0f}\n\n"
    )
    if "merge" in options.only:
        contenders = ["madang", "ducklake", "duckdb", "duckdb_replace", *(["delta"] if has_delta else [])]
        sys.stdout.write(merge_section(contenders, options.rows, options.incoming, options.rounds) + "\n")
    if "commits" in options.only:
        contenders = ["madang", "duckdb", *(["delta"] if has_delta else [])]
        sys.stdout.write(commits_section(contenders, options.chunks) + "\n")
    if "reads" in options.only:
        sys.stdout.write(reads_section(options.posts))


def merge_section(contenders: Sequence[str], rows: int, incoming: int, rounds: int) -> str:
    """Each contender merges the same rows into the same table, in turns."""
    folder = _fresh("merge")
    _python("warehouse_merge.py", "make", str(folder), str(rows), str(incoming))
    found: dict[str, list[dict[str, Any]]] = {contender: [] for contender in contenders}
    for contender in list(contenders) * rounds:
        told = json.loads(_python("warehouse_merge.py", contender, str(folder), str(rows), str(incoming)))
        sys.stderr.write(f"merge {contender}: {told}\n")
        found[contender].append(told)
    shutil.rmtree(folder)
    middles = {
        contender: {key: statistics.median(told[key] for told in told_each) for key in MEASURES}
        for contender, told_each in found.items()
    }
    bare = middles["ducklake"]
    lines = []
    for contender, middle in middles.items():
        is_right = all(told["is_right"] for told in found[contender])
        lines.append([
            LABELS[contender], f"{middle['seconds']:.2f}", f"{middle['seconds'] / bare['seconds']:.2f}",
            f"{middle['cpu_seconds']:.2f}", f"{middle['cpu_seconds'] / bare['cpu_seconds']:.2f}",
            f"{middle['peak_mib']:.0f}", "yes" if is_right else "NO",
        ])  # fmt: skip
    slower = middles["madang"]["seconds"] / bare["seconds"]
    verdict = "reached" if slower <= GOAL else "MISSED"
    heads = (
        f"{incoming:,} rows into {rows:,}, medians of {rounds}", "seconds", "to bare DuckLake", "CPU seconds",
        "to bare DuckLake", "peak MiB", "every key once",
    )  # fmt: skip
    return f"{table(heads, lines)}\nGoal of at most {GOAL} times bare DuckLake: {verdict}, {slower:.2f}.\n"


def commits_section(contenders: Sequence[str], chunks: int) -> str:
    """Eight writers and two readers at once."""
    lines = []
    for contender in contenders:
        folder = _fresh("commits")
        _python("warehouse_commits.py", contender, str(folder), "make", "0", "0")
        arguments = ("warehouse_commits.py", contender, str(folder))
        writers = [_start(*arguments, "write", str(number), str(chunks)) for number in range(WRITERS)]
        readers = [_start(*arguments, "read", str(number), "0") for number in range(READERS)]
        for process in [*writers, *readers]:
            _line(process)
        began = datetime.now(UTC)
        for process in [*writers, *readers]:
            _say(process)
        written = [_told(process) for process in writers]
        seconds = (datetime.now(UTC) - began).total_seconds()
        for process in readers:
            _say(process)
        read = [_told(process) for process in readers]
        sys.stderr.write(f"commits {contender}: {written} {read}\n")
        done = sum(told["done"] for told in written)
        rows, keys = read[0]["rows"], read[0]["keys"]
        lines.append([
            LABELS[contender], f"{done / seconds:.1f}", str(sum(told["failures"] for told in written)),
            f"{max(told['slowest_seconds'] for told in written):.1f}", str(sum(told["done"] for told in read)),
            str(sum(told["failures"] for told in read)), str(ROWS * (done + 1) - keys), str(rows - keys),
        ])  # fmt: skip
        shutil.rmtree(folder)
    heads = (
        f"{WRITERS} writers, {chunks} commits each", "commits a second", "failed", "slowest commit s",
        "counts by readers", "failed counts", "rows lost", "rows doubled",
    )  # fmt: skip
    return table(heads, lines)


def reads_section(posts: int) -> str:
    """One post of a live view, alone and while a backfill commits."""
    home = _fresh("reads")
    _python("warehouse_reads.py", "make", str(home), str(posts))
    lines = []
    for label in ("while no backfill runs", "while one runs"):
        marker = home / "reading"
        marker.touch()
        writer = _start("warehouse_reads.py", "write", str(home), str(posts)) if label == "while one runs" else None
        reader = _start("warehouse_reads.py", "read", str(home), str(posts))
        for process in (writer, reader):
            if process is not None:
                _line(process)
                _say(process)
        try:
            told = _told(reader)
        finally:
            marker.unlink()  # the writer's end
        commits = _told(writer)["commits"] if writer is not None else 0
        lines.append(
            [label, str(told["reads"]), f"{told['p50'] * 1000:.0f}", f"{told['p99'] * 1000:.0f}", str(commits)]
        )
    shutil.rmtree(home)
    return table((f"one of {posts:,} posts", "reads", "p50 ms", "p99 ms", "commits of 2,000 rows meanwhile"), lines)


def _has_delta() -> bool:
    if importlib.util.find_spec("deltalake") is not None:
        return True
    sys.stderr.write("delta-rs is left out: deltalake is not installed (make test installs it)\n")
    return False


def _fresh(name: str) -> Path:
    folder = WORK / "warehouse" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _command(script: str, *arguments: str) -> list[str]:
    return [sys.executable, str(HERE / script), *arguments]


def _python(script: str, *arguments: str) -> str:
    done = subprocess.run(_command(script, *arguments), capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(f"{script} {' '.join(arguments)}: {done.stderr[-2000:]}")
    return done.stdout


def _start(script: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603
        _command(script, *arguments), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def _say(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _told(process: "subprocess.Popen[str]") -> dict[str, Any]:
    told: dict[str, Any] = json.loads(_line(process))
    process.wait()
    return told


if __name__ == "__main__":
    main()
