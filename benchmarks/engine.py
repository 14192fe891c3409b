"""The engine beside its peers, against one local server with scripted times and faults: see docs/benchmarks.md.

Run: make bench-engine [POSTS=20000] [ARGS="--only calls --contenders aiohttp,madang --rounds 2"]. Peers are installed
into environments of their own under .madang/bench/; those that cannot be are left out, with the reason.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from engine_plan import plan_section
from engine_project import REPOSITORY, land_posts, make_posts, make_project, write_requests
from engine_report import table
from engine_watch import Watched, watch

sys.path.insert(0, str(REPOSITORY / "tests"))
from proving import Latency, Proving, Rule, Script, proving
from proving.script import Window

HERE = Path(__file__).resolve().parent
WORK = REPOSITORY / ".madang" / "bench"
IN_FLIGHT = 200
LATENCY = Latency(kind="lognormal", seconds=0.8)
BURST = Window(open_seconds=0.5, period_seconds=10.0)
RETRY_AFTER_SECONDS = 1.0
LIMIT_SECONDS = 60.0  # and so much more for each post:
LIMIT_SECONDS_A_POST = 0.02
PEERS = {
    "curator": ["bespokelabs-curator"],
    "daft": ["daft[openai]"],
    "ray": ["ray[data]", "pandas", "pydantic", "aiohttp"],
}
INSTALL_SECONDS = 300.0
LABELS = {
    "aiohttp": "bare aiohttp loop", "madang": "madang, whole path", "openai": "openai client + semaphore",
    "curator": "bespokelabs-curator", "daft": "daft's prompt()", "ray": "Ray Data's HTTP stage",
}  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """One contender's run.

    Args:
        contender: Its name.
        watched: Its process.
        calls: Calls that the server received.
        refused: Those that it refused.
        paid_again: Calls answered for a request that had been answered before.
        window_seconds: From the first call's arrival to the last answer.
        latency_seconds: Sum of the latencies of the calls that were answered.
        most_in_flight: At the server, at one time.
        replies: What the contender gave back; for madang, rows.
        told: What madang says of itself.
    """

    contender: str
    watched: Watched
    calls: int
    refused: int
    paid_again: int
    window_seconds: float
    latency_seconds: float
    most_in_flight: int
    replies: int
    told: dict[str, Any]

    @property
    def share(self) -> float:
        """Of the ideal: all calls in flight all the time."""
        return self.latency_seconds / IN_FLIGHT / self.window_seconds


def install(name: str) -> str:
    """Installs a peer.

    Returns:
        Why it cannot be, or nothing.
    """
    python = WORK / name / "bin" / "python"
    if (WORK / name / ".installed").exists():
        return ""
    subprocess.run([sys.executable, "-m", "venv", WORK / name], check=True)  # noqa: S603
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS[name]]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return f"not installed within {INSTALL_SECONDS:.0f} s"
    if done.returncode:
        return f"pip: {done.stderr.strip().splitlines()[-1][:200]}"
    (WORK / name / ".installed").touch()
    return ""


def version(name: str) -> str:
    """A contender's package and version."""
    python = WORK / name / "bin" / "python" if name in PEERS else Path(sys.executable)
    package = PEERS[name][0].partition("[")[0] if name in PEERS else name
    script = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([str(python), "-c", script], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603


def measure(contender: str, posts: int, rules: tuple[Rule, ...] = ()) -> Measured:
    """Runs a contender against a server of its own."""
    folder = WORK / "runs" / contender
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "proving.log").unlink(missing_ok=True)
    script = Script(latency=LATENCY, rules=rules)
    with proving(folder, script) as server:
        watched = _run(contender, posts, server, folder)
        counters, lines = server.counters(), server.lines()
    answered = [line for line in lines if not line["fault"]]
    times = Counter(line["id"] for line in answered)
    window = max(line["at"] + line["seconds"] for line in lines) - lines[0]["at"] if lines else float("nan")
    told = next((json.loads(line[5:]) for line in watched.lines if line.startswith("TOLD ")), {})
    replies = next((int(line.split()[1]) for line in watched.lines if line.startswith("END ")), 0)
    return Measured(
        contender, watched, len(lines), len(lines) - len(answered), sum(times.values()) - len(times), window,
        sum(line["seconds"] for line in answered), counters["most_in_flight"], replies, told,
    )  # fmt: skip


def _run(contender: str, posts: int, server: Proving, folder: Path) -> Watched:
    environment = {**os.environ, "OPENAI_API_KEY": "local", "OPENAI_BASE_URL": f"{server.url}/v1"}
    if contender == "madang":
        model = {
            "lane": "online", "provider": "openai", "model": "gpt-4o-mini", "base_url": f"{server.url}/v1",
            "logprobs": 0, "concurrency": IN_FLIGHT,
        }  # fmt: skip
        project = folder / "project"
        land_posts(make_project(project, model), make_posts(posts))
        command = [sys.executable, str(HERE / "engine_madang.py"), str(project), json.dumps(model)]
        return watch(command, folder, environment, LIMIT_SECONDS + posts * LIMIT_SECONDS_A_POST)
    python = str(WORK / contender / "bin" / "python") if contender in PEERS else sys.executable
    environment |= {
        "CURATOR_CACHE_DIR": str(folder / "cache"), "CURATOR_DISABLE_CACHE": "1", "TELEMETRY_ENABLED": "false",
        "CURATOR_DISABLE_RICH_DISPLAY": "1", "DO_NOT_TRACK": "true", "HF_HOME": str(folder / "hf"),
    }  # fmt: skip
    command = [python, str(HERE / "engine_peers.py"), contender, str(_requests(posts)), f"{server.url}/v1",
               str(IN_FLIGHT)]  # fmt: skip
    return watch(command, folder, environment, LIMIT_SECONDS + posts * LIMIT_SECONDS_A_POST)


@cache
def _requests(posts: int) -> Path:
    file = WORK / f"requests-{posts}.jsonl"
    model = {"lane": "online", "provider": "openai", "model": "gpt-4o-mini", "base_url": "http://localhost/v1"}
    settings = make_project(WORK / "requests", model)
    write_requests(settings, land_posts(settings, make_posts(posts)), file)
    return file


def calls_section(posts: int, contenders: list[str], rounds: int) -> tuple[str, list[Measured]]:
    """All contenders in turns; medians."""
    missing = {name: reason for name in contenders if name in PEERS and (reason := install(name))}
    runs: dict[str, list[Measured]] = {}
    for number in range(rounds):
        for name in contenders:
            if name in missing or (number and name in PEERS):
                continue
            measured = measure(name, posts)
            _say(measured)
            if measured.replies:
                runs.setdefault(name, []).append(measured)
            else:
                last = measured.watched.errors.strip().splitlines()[-1:] or [f"status {measured.watched.status}"]
                missing[name] = f"{measured.calls} calls, no reply: {last[0][:200]}"
    rows = []
    for name, found in runs.items():
        rows.append([
            f"{LABELS[name]} {version(name) if name != 'madang' else ''}".strip(), str(len(found)),
            f"{_median(one.share for one in found):.3f}",
            f"{_median(one.watched.cpu_seconds / one.replies * 1000 for one in found):.2f}",
            f"{_median(one.watched.startup_cpu_seconds for one in found):.1f}",
            f"{_median(one.watched.peak_mib for one in found):.0f}",
            f"{found[-1].calls}", f"{found[-1].paid_again}", f"{found[-1].replies}", f"{found[-1].most_in_flight}",
        ])  # fmt: skip
    heads = ["contender", "runs", "share of the ideal", "CPU s per 1,000 calls", "start-up CPU s", "peak MiB",
             "calls sent", "answered twice", "replies or rows", "most in flight"]  # fmt: skip
    text = table(heads, rows)
    text += "".join(f"\n{LABELS[name]}: left out ({reason}).\n" for name, reason in missing.items())
    return text, [one for found in runs.values() for one in found]


def bursts_section(posts: int, contenders: list[str]) -> str:
    """Every request refused in the last half second of every ten, with and without Retry-After, beside a quiet run."""
    rows = []
    for name in contenders:
        quiet = measure(name, posts)
        _say(quiet)
        for seconds in (RETRY_AFTER_SECONDS, 0.0):
            burst = measure(name, posts, (Rule(fault="rate_limited", seconds=seconds, window=BURST),))
            _say(burst)
            rows.append([
                LABELS[name], f"{seconds:g} s" if seconds else "none", f"{quiet.window_seconds:.1f}",
                f"{burst.window_seconds:.1f}" if burst.replies else "did not end",
                f"{burst.window_seconds / quiet.window_seconds:.2f}", f"{burst.refused}", f"{burst.paid_again}",
                f"{burst.replies}",
            ])  # fmt: skip
    heads = ["contender", "Retry-After", "quiet s", "with bursts s", "ratio", "calls refused", "answered twice",
             "replies or rows"]  # fmt: skip
    return table(heads, rows)


def overhead_section(posts: int) -> str:
    """The whole path with a model that answers at once, in the process."""
    model = {"lane": "online", "provider": "custom", "factory": "engine_madang:InstantModel", "identity": "instant",
             "concurrency": IN_FLIGHT}  # fmt: skip
    folder = WORK / "runs" / "instant"
    folder.mkdir(parents=True, exist_ok=True)
    land_posts(make_project(folder / "project", model), make_posts(posts))
    command = [sys.executable, str(HERE / "engine_madang.py"), str(folder / "project"), json.dumps(model)]
    watched = watch(
        command, folder, {**os.environ, "PYTHONPATH": str(HERE)}, LIMIT_SECONDS + posts * LIMIT_SECONDS_A_POST
    )
    told = next(json.loads(line[5:]) for line in watched.lines if line.startswith("TOLD "))
    row = [f"{posts:,}", f"{told['seconds'] / posts * 1000:.2f}", f"{watched.cpu_seconds / posts * 1000:.2f}",
           f"{watched.peak_mib:.0f}", f"{told['extracted']:,}"]  # fmt: skip
    return table(["posts", "wall ms a post", "CPU ms a post", "peak MiB", "rows"], [row])


def _median(values: Any) -> float:
    return statistics.median(values)


def _say(one: Measured) -> None:
    told = {name: round(value, 2) if isinstance(value, float) else value for name, value in one.told.items()}
    sys.stderr.write(
        f"{one.contender:8} share {one.share:.3f}, window {one.window_seconds:.1f} s, "
        f"CPU {one.watched.cpu_seconds:.1f} s (start-up {one.watched.startup_cpu_seconds:.1f}), "
        f"{one.watched.peak_mib:.0f} MiB, {one.calls} calls, {one.refused} refused, {one.paid_again} again, "
        f"{one.replies} replies, {one.most_in_flight} in flight, status {one.watched.status} {told or ''}\n"
    )
    if not one.replies:
        sys.stderr.write(one.watched.errors[-1500:] + "\n")


def main() -> None:
    """Runs the sections asked for, and prints them as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--posts", type=int, default=20_000)
    parser.add_argument("--burst-posts", type=int, default=0, help="as --posts by default")
    parser.add_argument("--planned-posts", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=2, help="runs of aiohttp, madang and openai; peers run once")
    parser.add_argument("--contenders", default=",".join(LABELS))
    parser.add_argument("--burst-contenders", default="madang,openai,curator")
    parser.add_argument("--only", default="calls,bursts,overhead,plan")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    arguments = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    wanted = arguments.only.split(",")
    size = f"{os.cpu_count()} cores, {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    parts = [f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {size}, Python {sys.version.split()[0]}; "
             f"`benchmarks/engine.py {' '.join(sys.argv[1:])}`"]  # fmt: skip
    if "calls" in wanted:
        made, _ = calls_section(arguments.posts, arguments.contenders.split(","), arguments.rounds)
        parts.append(f"### {arguments.posts:,} posts, {IN_FLIGHT} in flight\n\n{made}")
    if "bursts" in wanted:
        posts = arguments.burst_posts or arguments.posts
        made = bursts_section(posts, arguments.burst_contenders.split(","))
        parts.append(f"### Bursts of 429, {posts:,} posts\n\n{made}")
    if "overhead" in wanted:
        parts.append(f"### The path without a model's time\n\n{overhead_section(arguments.posts)}")
    if "plan" in wanted:
        made = plan_section(arguments.planned_posts, WORK)
        parts.append(f"### Planning {arguments.planned_posts:,} posts, 1% changed\n\n{made}")
    text = "\n\n".join(parts) + "\n"
    sys.stdout.write(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
