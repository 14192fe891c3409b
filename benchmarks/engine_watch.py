"""CPU time and memory of a process and all its descendants, read from /proc: Ray's workers are nobody's waited-for
children, so that resource usage would miss them.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_EVERY_SECONDS = 0.25


@dataclass(frozen=True)
class Watched:
    """What a command took.

    Args:
        cpu_seconds: User and system time from `BEGIN` to the end, descendants included.
        startup_cpu_seconds: Before that.
        seconds: Wall time from `BEGIN` to the end.
        peak_mib: Most proportional set size (shared pages counted once) of all its processes at one time.
        status: Exit status.
        lines: What it printed.
        errors: The end of what it wrote to standard error.
    """

    cpu_seconds: float
    startup_cpu_seconds: float
    seconds: float
    peak_mib: float
    status: int
    lines: list[str] = field(repr=False)
    errors: str = field(default="", repr=False)


class _Tree:
    """A process and everything it started; what has ended keeps its last reading."""

    def __init__(self, root: int) -> None:
        self._pids = {root}
        self._cpu: dict[int, float] = {}
        self.peak_kib = 0

    def cpu_seconds(self) -> float:
        self._look()
        return sum(self._cpu.values())

    def look_at_memory(self) -> None:
        self.peak_kib = max(self.peak_kib, sum(map(_pss_kib, self._pids)))

    def end(self) -> None:
        """Ends what the root left behind."""
        for pid in self._pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _look(self) -> None:
        found = [stat for entry in os.scandir("/proc") if entry.name.isdigit() and (stat := _stat(int(entry.name)))]
        grown = True
        while grown:
            young = {pid for pid, parent, _ in found if parent in self._pids} - self._pids
            self._pids |= young
            grown = bool(young)
        for pid, _, seconds in found:
            if pid in self._pids:
                self._cpu[pid] = max(seconds, self._cpu.get(pid, 0.0))


def watch(command: Sequence[str], folder: Path, env: dict[str, str], limit_seconds: float) -> Watched:
    """Runs a command that prints `BEGIN` when its work starts; ends it after a while."""
    with (folder / "stderr.log").open("w+") as errors:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=errors, text=True,  # noqa: S603 - our own
                                   start_new_session=True)  # fmt: skip
        tree = _Tree(process.pid)
        lines: list[str] = []
        marks: list[tuple[float, float]] = []

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line.rstrip())
                if line.strip() == "BEGIN":
                    marks.append((tree.cpu_seconds(), time.monotonic()))

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        started, number, cpu = time.monotonic(), 0, 0.0
        while process.poll() is None:
            cpu = tree.cpu_seconds()
            if number % 4 == 0:
                tree.look_at_memory()
            number += 1
            if time.monotonic() - started > limit_seconds:
                process.kill()
            time.sleep(_EVERY_SECONDS)
        ended = time.monotonic()
        tree.end()
        reader.join(timeout=5)
        begun_cpu, begun = marks[0] if marks else (0.0, started)
        errors.seek(0)
        return Watched(max(cpu, tree.cpu_seconds()) - begun_cpu, begun_cpu, ended - begun, tree.peak_kib / 1024,
                       process.returncode, lines, errors.read()[-3000:])  # fmt: skip


def _stat(pid: int) -> tuple[int, int, float] | None:
    """Process, parent, CPU seconds of itself and of the children it has waited for; None if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return pid, int(fields[1]), sum(map(int, fields[11:13])) / _TICKS_A_SECOND


def _pss_kib(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)
