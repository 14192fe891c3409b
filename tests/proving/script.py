"""What the server is told to do: how long answers take, what goes wrong, and whom it kills."""

import hashlib
import math
import statistics
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Fault = Literal[
    "rate_limited", "quota", "unavailable", "server_error", "reset", "drop", "cut_body", "drip", "slow",
    "truncated_json", "wrong_schema", "prose", "length", "refusal", "blocked", "too_long", "bad_request",
    "unauthorized", "forbidden",
    "not_found",
]  # fmt: skip
Kind = Literal[
    "model", "batch.create", "batch.get", "batch.list", "batch.cancel", "storage.upload", "storage.read",
    "bigquery.load", "bigquery.read",
]  # fmt: skip
_NORMAL = statistics.NormalDist()


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Latency(_Strict):
    """Time from a request to its answer. Drawn from the request's own id, so that order does not matter."""

    kind: Literal["constant", "lognormal"] = "constant"
    seconds: float = Field(default=0.0, ge=0, description="Of a constant; median of a log-normal")
    sigma: float = Field(default=0.5, ge=0, description="Standard deviation of the logarithm")

    def draw(self, uniform: float) -> float:
        """Seconds for a number drawn evenly from 0 to 1."""
        if self.kind == "constant":
            return self.seconds
        return self.seconds * math.exp(self.sigma * _NORMAL.inv_cdf(min(max(uniform, 1e-9), 1 - 1e-9)))


class Window(_Strict):
    """The last `open_seconds` of every `period_seconds`, counted from the first request."""

    open_seconds: float
    period_seconds: float


class Rule(_Strict):
    """A fault and when it strikes: every condition given must hold; without any it always strikes."""

    fault: Fault
    seconds: float = Field(default=0.0, description="Of a drip, of slowness; Retry-After of a 429 or 503, 0 none")
    retry_after: str = Field(default="", description="Retry-After as text, where seconds will not do")
    holds: str = Field(default="", description="Text that the last user turn holds")
    model: str = Field(default="", description="Name of the model")
    first: int = Field(default=1, description="Number of the first model request that it strikes")
    last: int = Field(default=1 << 60, description="Number of the last one")
    every: int = Field(default=1, ge=1, description="Strikes each so manieth request")
    share: float = Field(default=1.0, ge=0, le=1, description="Share of requests, chosen by their id")
    times: int = Field(default=1 << 60, description="How often it strikes the same request")
    max_tokens_below: int = Field(default=1 << 60, description="Only requests that allow fewer tokens")
    complaints: bool | None = Field(
        default=None, description="Only requests that complain about an answer; False, only those that do not"
    )
    window: Window | None = None


class Kill(_Strict):
    """Ends a process with -9 at the n-th request of a kind since the script was set."""

    pid: int
    at: int = Field(ge=1)
    on: Kind | Literal["any"] = "any"
    moment: Literal["before", "after"] = Field(default="before", description="Before or after it is answered")


class RowRule(_Strict):
    """What happens to rows of a batch job's output."""

    fault: Literal["missing", "doubled", "wrong_id", "error", "truncated_json", "wrong_schema", "length", "refusal"]
    holds: str = Field(default="", description="Text that the last user turn holds")
    every: int = Field(default=1, ge=1, description="Each so manieth row of the file, counted from 1")
    share: float = Field(default=1.0, ge=0, le=1)
    jobs: tuple[int, ...] = Field(default=(), description="Numbers of the jobs, from 1; all by default")


class BatchScript(_Strict):
    """How batch jobs go."""

    seconds: float = Field(default=0.3, ge=0, description="From creation to the end")
    fault: Literal["", "empty", "failed", "all_rows_failed", "create_lost", "stuck"] = Field(
        default="", description="`create_lost` makes the job and resets the connection; `empty` succeeds without output"
    )
    jobs: tuple[int, ...] = Field(default=(), description="Numbers of the jobs that the fault strikes; all by default")
    refusals: int = Field(default=0, ge=0, description="Creations answered with 429 before one is let in")
    is_reordered: bool = Field(default=True, description="Output in another order than the input, as Vertex writes it")
    rows: tuple[RowRule, ...] = ()


class Script(_Strict):
    """Everything that can be told."""

    seed: int = 0
    latency: Latency = Latency()
    rules: tuple[Rule, ...] = Field(default=(), description="The first that strikes wins")
    kill: Kill | None = None
    batch: BatchScript = BatchScript()
    cached_share: float = Field(default=0.0, ge=0, le=1, description="Share of prompt tokens said to come from a cache")
    thought_tokens: int = Field(default=0, description="Tokens of thought that Gemini reports")
    key: str = Field(default="", description="Bearer token that is asked for; any will do by default")


def uniform(seed: int, *parts: object) -> float:
    """A number from 0 to 1 that these parts always give."""
    text = ":".join(map(str, (seed, *parts)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) / (1 << 64)
