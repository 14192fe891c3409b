"""`madang autofill`: the form of one text, filled in on the spot or over HTTP."""

import json
import sys
from pathlib import Path

import click

from madang.commands.options import guarded
from madang.errors import InputError


@click.command()
@click.argument("task")
@click.option("--text", "place", metavar="FILE", help="File with the text; - reads standard input.")
@click.option("--title", default="", help="Its title, where the task has one.")
@click.option("--model", "asks_model", is_flag=True, help="Also ask the task's model about what readers do not decide.")
@click.option("--serve", "is_served", is_flag=True, help="Answer POST /autofill instead.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8321, show_default=True, help="Port to serve on.")
@guarded
def autofill(task: str, place: str | None, title: str, asks_model: bool, is_served: bool, host: str, port: int) -> None:
    """Fill in a task's form from one text, with evidence and confidence."""
    from madang.autofill import Autofill
    from madang.settings import Settings
    from madang.task import load_task

    if is_served == (place is not None):
        raise InputError("--text", "give a text or --serve, one of them", "Write --text - to read standard input")
    settings = Settings.load()
    form = Autofill(load_task(settings.project, task), settings, asks_model=asks_model)
    if place is None:
        from madang.autofill_server import serve

        serve(form, host, port)
        return
    first, *others = form.columns
    if title and not others:
        raise InputError("--title", f"{task!r} has the one text column {first!r}", "Leave it out")
    written = {others[-1] if others else first: _text(place)}
    if title:
        written[first] = title
    click.echo(json.dumps(form.fill(written).to_json(), ensure_ascii=False, indent=2))


def _text(place: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if place == "-" else Path(place).read_bytes()
        return raw.decode("utf-8")
    except OSError as error:
        raise InputError(place, error.strerror or str(error), "Give a file that can be read, or -") from error
    except UnicodeDecodeError as error:
        raise InputError(place, f"byte {error.start} is not UTF-8", "Convert the text to UTF-8") from error
