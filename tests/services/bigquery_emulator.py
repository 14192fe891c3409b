"""A BigQuery to talk to: bqemulator in an environment of its own, made once, started on a port of this machine.

Run as a script it starts one and says how to reach it, for `madang demo --warehouse bigquery`.
"""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

_HERE = Path(__file__).resolve().parent
_PINS = _HERE / "bigquery_emulator.txt"
# Beside the state of the repository's own runs, and ignored with it.
_FOLDER = _HERE.parents[1] / ".madang" / "services" / "bigquery_emulator"
_INSTALL_SECONDS = 600
_START_SECONDS = 60
# Feast makes its own client, which wants credentials. These need no renewal, and are nobody's.
_NOBODY = {"type": "authorized_user", "client_id": "nobody", "client_secret": "none", "refresh_token": "none",
           "token": "none", "expiry": "2999-01-01T00:00:00Z"}  # fmt: skip
_ENDS = {signal.SIGINT, signal.SIGTERM}


@contextmanager
def bigquery_emulator() -> Iterator[str]:
    """Starts an empty one and gives its address; skips where it cannot be installed, and fails where it must be."""
    try:
        python = _installed()
    except (subprocess.SubprocessError, OSError) as error:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(f"bqemulator cannot be installed ({error}), and REQUIRE_SERVICES=1")
        pytest.skip(f"bqemulator cannot be installed ({type(error).__name__})")
    port, log = _free_port(), _FOLDER / f"{os.getpid()}.log"
    command = [python, _HERE / "bigquery_emulator_start.py", "start", "--rest-port", str(port), "--grpc-port", "0",
               "--log-level", "warning"]  # fmt: skip
    with log.open("wb") as written:
        # A home of its own: DuckDB keeps its extensions there, and must not mix them with ours.
        process = subprocess.Popen(command, stdout=written, stderr=written, start_new_session=True,
                                   env=os.environ | {"HOME": str(_FOLDER)})  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(process, address, log)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=_START_SECONDS)
        log.unlink()


def nobodys_credentials() -> Path:
    """A file for GOOGLE_APPLICATION_CREDENTIALS with which a client asks for no token; the emulator checks none."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    file = _FOLDER / "nobody.json"
    file.write_text(json.dumps(_NOBODY), encoding="utf-8")
    return file


def _installed() -> Path:
    """Its interpreter; made on first use, and anew where the pins have changed."""
    pins = hashlib.sha256(_PINS.read_bytes()).hexdigest()[:12]
    environment = _FOLDER / pins
    python, done = environment / "bin" / "python", environment / "installed"
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with FileLock(_FOLDER / "install.lock"):
        if not done.exists():
            subprocess.run([sys.executable, "-m", "venv", environment], check=True, timeout=_INSTALL_SECONDS)
            subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", _PINS], check=True,
                           timeout=_INSTALL_SECONDS, capture_output=True)  # fmt: skip
            done.touch()
    return python


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/bigquery/v2/projects/madang-test/datasets", timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"bqemulator did not start: {log.read_text(errors='replace')[-2000:]}")


if __name__ == "__main__":
    with bigquery_emulator() as started:
        told = f"export BIGQUERY_EMULATOR_HOST={started} GOOGLE_APPLICATION_CREDENTIALS={nobodys_credentials()}"
        print(f"{told}\n# Ends with Ctrl-C", flush=True)  # noqa: T201
        # Blocked once the emulator runs, which would inherit it: the signal then ends the block, and with it that.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
        signal.sigwait(_ENDS)
