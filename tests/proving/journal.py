"""What the server has received: one line a request, on its way to the disk before the request is answered."""

import json
import os
import time
from collections import Counter
from pathlib import Path


class Journal:
    """An append-only log of JSON lines, and counters over it."""

    def __init__(self, file: Path | None) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = None if file is None else os.open(file, flags, 0o644)
        self.requests = 0
        self.by_kind: Counter[str] = Counter()
        self.by_model: Counter[str] = Counter()
        self.by_fault: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()
        self.in_flight = self.most_in_flight = 0
        self.latency_seconds = 0.0
        self.started = time.monotonic()
        self.first_at: float | None = None

    def enter(
        self, kind: str, request_id: str, model: str, fault: str = "", seconds: float = 0.0,
        images: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """Writes a request down."""
        self.requests += 1
        self.by_kind[kind] += 1
        if model:
            self.by_model[model] += 1
        if fault:
            self.by_fault[fault] += 1
        self.latency_seconds += seconds
        if self._file is not None:
            line = {
                "n": self.requests, "kind": kind, "id": request_id, "model": model, "fault": fault,
                "seconds": round(seconds, 6), "images": list(images), "at": time.time(),
            }  # fmt: skip
            os.write(self._file, (json.dumps(line, ensure_ascii=False) + "\n").encode())

    def elapsed(self) -> float:
        """Seconds since the first model request."""
        now = time.monotonic()
        if self.first_at is None:
            self.first_at = now
        return now - self.first_at

    def arrive(self) -> None:
        """A model request came."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def leave(self) -> None:
        """It was answered, or its client left."""
        self.in_flight -= 1

    def counters(self) -> dict[str, object]:
        """What was received so far."""
        return {
            "requests": self.requests, "by_kind": dict(self.by_kind), "by_model": dict(self.by_model),
            "by_fault": dict(self.by_fault), "in_flight": self.in_flight, "most_in_flight": self.most_in_flight,
            "repeated": sum(count - 1 for count in self.seen.values()), "latency_seconds": self.latency_seconds,
            "cpu_seconds": time.process_time(),
        }  # fmt: skip
