"""`madang distil`: from labels to a student that is promoted, or refused with the reason."""

import sys
from pathlib import Path

import click

from madang.commands.options import guarded
from madang.errors import InputError


@click.command()
@click.argument("task")
@click.option("--teacher", multiple=True, type=click.Path(path_type=Path), help="File of a teacher's answers.")
@click.option(
    "--gold", multiple=True, type=click.Path(path_type=Path), help="File of answers; its part `tune` is read."
)
@click.option(
    "--posts", multiple=True, type=click.Path(path_type=Path),
    help="File of posts, one for each --teacher and then for each --gold; one alone is for all.",
)  # fmt: skip
@click.option("--field", "fields", multiple=True, help="Field to learn; all that have labels by default.")
@click.option("--stored/--files-only", "is_stored", default=True, help="Learn from rows of the released recipe too.")
@click.option(
    "--least-confidence", type=click.FloatRange(0, 1), default=0.8, show_default=True, help="Of rows learnt from."
)
@click.option("--rollback", "is_rollback", is_flag=True, help="Make the student released again that was so before.")
@guarded
def distil(
    task: str, teacher: tuple[Path, ...], gold: tuple[Path, ...], posts: tuple[Path, ...], fields: tuple[str, ...],
    is_stored: bool, least_confidence: float, is_rollback: bool,
) -> None:  # fmt: skip
    """Teach a small classifier what a task's labels say; exit 1 if the gate refuses it."""
    from madang.distillation.dataset import LabelFile
    from madang.distillation.distil import distil as distil_task
    from madang.distillation.registry import Registry
    from madang.settings import Settings
    from madang.task import load_task
    from madang.warehouse import open_warehouse

    settings = Settings.load()
    if is_rollback:
        click.echo(f"{Registry(settings.home).rollback(task)} is released")
        return
    labelled = [(file, "teacher") for file in teacher] + [(file, "gold") for file in gold]
    if labelled and len(posts) not in (1, len(labelled)):
        raise InputError("--posts", f"{len(posts)} files for {len(labelled)} of labels", "Give one, or one for each")
    about = posts * len(labelled) if len(posts) == 1 else posts
    files = [LabelFile(file, of, origin) for (file, origin), of in zip(labelled, about, strict=True)]  # type: ignore[arg-type]
    loaded = load_task(settings.project, task)
    made = distil_task(
        loaded, settings, files, warehouse=open_warehouse(settings, read_only=True) if is_stored else None,
        fields=fields, least_confidence=least_confidence,
    )  # fmt: skip
    click.echo(made.card)
    name = made.student.name
    if made.verdict.is_promoted:
        click.echo(f"{name} is released. To use it: a model with lane = \"student\", student = \"{task}\" in "
                   "[tool.madang.models], named in the task's `models`")  # fmt: skip
        return
    click.echo(f"{name} is refused: {'; '.join(made.verdict.reasons)}", err=True)
    sys.exit(1)
