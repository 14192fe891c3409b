"""Our own definitions over a home of a test's own: posts of three days, a Dagster instance, runs in this process."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from scenario import REPOSITORY, Project, make_project, post

from madang.settings import Settings
from madang.task import Task, load_task
from orchestration.day_ranges import RANGE_END, RANGE_START
from orchestration.instance import ensure_instance

# Two days that touch and one apart; between them days without a post.
FIRST, SECOND, APART = "2024-11-18", "2024-11-19", "2024-11-25"


def _at(day: str) -> str:
    return f"{day}T21:00:00+09:00"


RUNNERS = post(
    "g1", "running 20s 30s 함께 뛰실 분 모집합니다", title="한강 러닝 모임", board="운동", event_at=_at(FIRST)
)
BLANK = post("g2", " 🙏 ", board="취미", event_at=_at(FIRST))
READERS = post("g3", "reading cafe 조용히 읽어요 female", title="책 읽는 모임", board="동네친구", event_at=_at(SECOND))
REFUSED = post("g4", "아무도 못 읽는 글", title="fault", board="취미", event_at=_at(SECOND))
HIKERS = post("g5", "hiking 모집 male", title="북한산 등산", board="groups", event_at=_at(APART))
FLAT = post(
    "r1", "신림역 앞 apartment bed desk monthly 모집", title="500만원 원룸", board="주거/부동산", event_at=_at(FIRST)
)  # fmt: skip
LOFT = post("r2", "$1,200 a month, sublet, tv", title="Loft near station", board="rentals", event_at=_at(APART))
POSTS = (RUNNERS, BLANK, READERS, REFUSED, HIKERS, FLAT, LOFT)


class Yard(Project):
    """A home of the repository's own tasks: Dagster loads our definitions, not those of a copy."""

    @property
    def environment(self) -> dict[str, str]:
        """Environment of a process that works in this home."""
        return super().environment | {
            "MADANG_PROJECT": str(REPOSITORY), "MADANG_LOCAL_MODEL": "", "DAGSTER_HOME": str(self.home / "dagster"),
            "DAGSTER_DISABLE_TELEMETRY": "1", "PYTHONUNBUFFERED": "1",
        }  # fmt: skip

    def task(self, name: str | None = None) -> Task:
        """A task of the repository."""
        return load_task(REPOSITORY, name or self.main)

    @property
    def inbox(self) -> Path:
        return self.home / "inbox"


@contextmanager
def yard_at(folder: Path, **options: str | float) -> Iterator[Yard]:
    """Makes a home and this process its own; a post that holds the word `fault` is refused, each call costs a cent."""
    made = make_project(folder, **({"fault": "permanent", "usd": 0.01, "logprob": -0.1, "seconds": 0.05} | options))
    yard = Yard(made.folder)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in yard.environment.items():
            if os.environ.get(name) != value and name not in ("PATH", "PYTHONPATH"):
                patch.setenv(name, value)
        ensure_instance(Settings.load())
        yield yard
        yard.close()


def run_job(
    instance: dg.DagsterInstance, definitions: dg.Definitions, task: str, first: str, last: str | None = None,
    *, raise_on_error: bool = True, config: Mapping[str, float] | None = None,
) -> dg.ExecuteInProcessResult:  # fmt: skip
    """Runs a task's job over a range of days in this process, with the tags that its schedule gives."""
    return definitions.resolve_job_def(task).execute_in_process(
        instance=instance, raise_on_error=raise_on_error, tags={RANGE_START: first, RANGE_END: last or first},
        run_config={"ops": {f"attributes__{task}": {"config": dict(config)}}} if config else None,
    )  # fmt: skip


def metadata_by_day(instance: dg.DagsterInstance, key: dg.AssetKey) -> dict[str | None, dict[str, object]]:
    """Metadata of the newest materialisation of each day."""
    found: dict[str | None, dict[str, object]] = {}
    for record in instance.fetch_materializations(key, limit=1000, ascending=True).records:
        assert record.asset_materialization is not None
        found[record.partition_key] = {
            name: value.value for name, value in record.asset_materialization.metadata.items()
        }
    return found
