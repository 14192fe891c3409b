"""`madang distil`: from labels to a student that is promoted, or refused with the reason."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from madang.commands.options import guarded
from madang.errors import InputError

if TYPE_CHECKING:
    from madang.distillation.encoder_settings import EncoderSettings


@click.command()
@click.argument("task")
@click.option("--teacher", multiple=True, type=click.Path(path_type=Path), help="File of a teacher's answers.")
@click.option(
    "--gold", multiple=True, type=click.Path(path_type=Path), help="File of answers; its part `tune` is read."
)
@click.option(
    "--correction", multiple=True, type=click.Path(path_type=Path),
    help="File of fields put right, in the form of gold; stands before everything else.",
)  # fmt: skip
@click.option(
    "--posts", multiple=True, type=click.Path(path_type=Path),
    help="File of posts, one for each --teacher, then --gold, then --correction; one alone is for all.",
)  # fmt: skip
@click.option("--field", "fields", multiple=True, help="Field to learn; all that have labels by default.")
@click.option("--stored/--files-only", "is_stored", default=True, help="Learn from rows of the released recipe too.")
@click.option(
    "--least-confidence", type=click.FloatRange(0, 1), default=0.8, show_default=True, help="Of rows learnt from."
)
@click.option("--encoder", help="Encoder to learn with: hf:NAME, or package:NAME for the embedded one; linear without.")
@click.option("--layers", type=click.IntRange(min=1), default=12, show_default=True, help="Of the embedded encoder.")
@click.option(
    "--trained-layers", type=click.IntRange(min=0), default=0, show_default=True,
    help="Its last layers that learn; at 0 it stays as it is and corrects the linear student.",
)  # fmt: skip
@click.option("--lora-rank", type=click.IntRange(min=0), default=0, show_default=True, help="0 trains the weights.")
@click.option("--epochs", type=click.IntRange(min=1), default=6, show_default=True, help="Most of them.")
@click.option("--licence", default="", help="Terms of the encoder's weights; known of the embedded one.")
@click.option("--audit", "is_audit", is_flag=True, help="Only check the released student's audited posts.")
@click.option("--rollback", "is_rollback", is_flag=True, help="Make the student released again that was so before.")
@guarded
def distil(
    task: str, teacher: tuple[Path, ...], gold: tuple[Path, ...], correction: tuple[Path, ...],
    posts: tuple[Path, ...], fields: tuple[str, ...], is_stored: bool, least_confidence: float, is_audit: bool,
    is_rollback: bool, encoder: str | None, **trained: Any,
) -> None:  # fmt: skip
    """Teach a small classifier what a task's labels say; exit 1 if the gate refuses it."""
    from madang.distillation.audit import audit_released
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
    if is_audit:
        found = audit_released(load_task(settings.project, task), settings, open_warehouse(settings))
        click.echo(found.summary)
        sys.exit(found.closed is not None)
    labelled = [(file, "teacher") for file in teacher] + [(file, "gold") for file in gold]
    labelled += [(file, "correction") for file in correction]
    if labelled and len(posts) not in (1, len(labelled)):
        raise InputError("--posts", f"{len(posts)} files for {len(labelled)} of labels", "Give one, or one for each")
    about = posts * len(labelled) if len(posts) == 1 else posts
    files = [LabelFile(file, of, origin) for (file, origin), of in zip(labelled, about, strict=True)]  # type: ignore[arg-type]
    loaded = load_task(settings.project, task)
    made = distil_task(
        loaded, settings, files, warehouse=open_warehouse(settings, read_only=True) if is_stored else None,
        fields=fields, least_confidence=least_confidence, encoder=_encoder(encoder, trained),
    )  # fmt: skip
    click.echo(made.card)
    name = made.student.name
    if made.verdict.is_promoted:
        click.echo(f"{name} is released. To use it: a model with lane = \"student\", student = \"{task}\" in "
                   "[tool.madang.models], named in the task's `models`")  # fmt: skip
        return
    click.echo(f"{name} is refused: {'; '.join(made.verdict.reasons)}", err=True)
    sys.exit(1)


def _encoder(name: str | None, trained: dict[str, Any]) -> "EncoderSettings | None":
    from madang.distillation.encoder_settings import EncoderSettings

    return EncoderSettings(encoder=name, **trained) if name else None
