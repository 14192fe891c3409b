"""`madang dev`: the Dagster UI, daemon and code server over this home."""

import os
import shutil
import sys
from pathlib import Path

import click

from madang.commands.options import guarded
from madang.errors import InputError
from madang.settings import Settings
from orchestration.instance import ensure_instance


@click.command()
@click.option("--port", default=3000, show_default=True, help="Port of the UI, on loopback.")
@guarded
def dev(port: int) -> None:
    """Start the Dagster UI and daemon; Ctrl-C ends them."""
    settings = Settings.load()
    folder = ensure_instance(settings)
    program = shutil.which(
        "dagster", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    )
    if program is None:
        raise InputError("dagster", "the program is not installed beside this Python", "Run: make demo")
    click.echo(f"http://127.0.0.1:{port}   inbox: {settings.home / 'inbox'}")
    environment = {**os.environ, "DAGSTER_HOME": str(folder), "MADANG_HOME": str(settings.home)}
    workspace = str(settings.project / "workspace.yaml")
    os.execve(program, [program, "dev", "-w", workspace, "-h", "127.0.0.1", "-p", str(port)], environment)  # noqa: S606 - ours
