"""`python -m proving --port 0 --log FILE --script script.json`: prints its port, and serves until it is stopped."""

import argparse
import asyncio
from pathlib import Path

import click
import uvloop

from proving.script import Script
from proving.server import serve


def main() -> None:
    """Reads the arguments and serves."""
    parser = argparse.ArgumentParser(prog="proving", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--log", type=Path, help="file to which every request is appended before it is answered")
    parser.add_argument("--script", type=Path, help="JSON of proving.script.Script")
    arguments = parser.parse_args()
    script = Script.model_validate_json(arguments.script.read_bytes()) if arguments.script else Script()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(arguments.port, arguments.log, script, click.echo))


if __name__ == "__main__":
    main()
