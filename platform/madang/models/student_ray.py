"""A student in actors of Ray Data: one GPU, several, or many machines, as Ray sees them.

The run's own process keeps claims, spool and commits, and hands over one data set after another. Actors get the
student's files with their first batch, so they need no disk in common. Ray restarts an actor that dies and gives its
batches to others. A cluster of the run's own ends with it, and so does its folder, where Ray may have put posts that
did not fit its memory.
"""

import logging
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from madang.distillation.registry import StoredStudent
from madang.errors import ModelUnavailable
from madang.models.protocol import Failure
from madang.models.specs import StudentModel
from madang.models.student_answers import Answered, Asked, StudentAnswers

_COLUMNS = ("request_hash", "turn", "fields", "is_audited")


class StudentActor:
    """What runs in an actor of Ray Data.

    Args:
        spec: What the settings say.
        stored: The student; its folder is that of the run's machine.
        files: Refers to the content of its files, by name.
        beside: Folder for them that ends with the cluster; None on other machines.
    """

    def __init__(self, spec: StudentModel, stored: StoredStudent, files: Any, beside: str | None) -> None:
        import ray

        self._home = tempfile.TemporaryDirectory(prefix="madang-student-", dir=beside)
        folder = Path(self._home.name, *stored.folder.parts[-3:])
        for name, content in ray.get(files).items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        self._answers = StudentAnswers(spec, replace(stored, folder=folder))

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Answers one batch, in one row."""
        asked = [
            Asked(request_hash, turn, tuple(fields), is_audited)
            for request_hash, turn, fields, is_audited in zip(
                *(batch[name].to_pylist() for name in _COLUMNS), strict=True
            )
        ]
        try:
            answered = self._answers.answer(asked)
        except Exception as error:  # of whatever class: Ray logs an actor's errors, and a library's may quote a post
            raise RuntimeError(f"{type(error).__name__} in the student") from None
        return pa.table({"answered": [pickle.dumps(answered)]})


@contextmanager
def ray_actors(spec: StudentModel, stored: StoredStudent) -> Iterator[Callable[[Sequence[Asked]], Iterator[Answered]]]:
    """Opens a cluster, or connects to one; gives what answers a batch in parts, in the order in which they come.

    Raises:
        ModelUnavailable: Ray is not installed, or there is no such cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ModelUnavailable(
            spec.student, "`engine: ray` needs Ray, which is not installed", "Install ray[data], or leave `engine` out"
        ) from error
    with _cluster(ray, spec) as beside:
        files = ray.put({
            name: (stored.folder / name).read_bytes() for name in stored.manifest.files
        })  # fmt: skip
        gpus = 1 if ray.cluster_resources().get("GPU") else 0

        def answer(batch: Sequence[Asked]) -> Iterator[Answered]:
            return _answered(ray, spec, (spec, stored, files, beside), gpus, batch)

        yield answer


def _answered(
    ray: Any, spec: StudentModel, loaded: tuple[object, ...], gpus: int, batch: Sequence[Asked]
) -> Iterator[Answered]:
    columns: dict[str, list[Any]] = {name: [getattr(asked, name) for asked in batch] for name in _COLUMNS}
    table = pa.table(columns)
    blocks = [table.slice(at, spec.batch_posts) for at in range(0, len(batch), spec.batch_posts)]
    rows = ray.data.from_arrow(blocks).map_batches(
        StudentActor, fn_constructor_args=loaded, batch_size=spec.batch_posts, batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=min(spec.workers, len(blocks))), num_gpus=gpus,
    )  # fmt: skip
    missing = {asked.request_hash for asked in batch}
    try:
        for part in rows.iter_batches(batch_size=None, batch_format="pyarrow"):
            for content in part["answered"].to_pylist():
                answered: Answered = pickle.loads(content)  # noqa: S301 - our own actor's
                missing -= {outcome.request_hash for outcome in answered.outcomes}
                yield answered
    except ray.exceptions.RayError as error:
        raise ModelUnavailable(
            spec.student, f"Ray ended with {type(error).__name__}", "Run again: it goes on at the first post not asked"
        ) from error
    if missing:
        yield Answered([Failure(one, "transient", "Ray gave no answer", is_transient=True) for one in missing])


@contextmanager
def _cluster(ray: Any, spec: StudentModel) -> Iterator[str | None]:
    """Gives a folder that ends with the cluster, where that is the run's own."""
    address = spec.ray_address or os.environ.get("RAY_ADDRESS")
    if ray.is_initialized():  # whoever connected this process ends it too
        yield None
        return
    # Its name must be short: sockets lie in it.
    folder = None if address else tempfile.mkdtemp(prefix="madang-ray-")
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if folder is None:
            ray.init(address=address, **quiet)
        else:
            ray.init(address="local", include_dashboard=False, _temp_dir=folder, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ModelUnavailable(spec.student, f"no cluster of Ray answers at {address or 'this machine'}",
                               "Start it, or correct ray_address") from error  # fmt: skip
    _silence(ray)
    try:
        yield folder
    finally:
        ray.shutdown()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _silence(ray: Any) -> None:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
