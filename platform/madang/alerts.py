"""How people on call are told: a line in `alerts.jsonl` of the home, and a message to the address in MADANG_ALERT_URL.

The address is a secret, hence only in the environment. It gets a POST of `{"text": …}`, which chat services take as it
is. Who raises an alert goes on whether it was delivered or not: what it is about has been done before.
"""

import json
import os
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from madang.errors import InputError

ADDRESS = "MADANG_ALERT_URL"
_TIMEOUT_SECONDS = 10.0


def alert(home: Path, text: str) -> str | None:
    """Tells people on call.

    Args:
        home: The state's folder.
        text: What happened and what to do; holds no post text.

    Returns:
        Why the message was not delivered; None if it was, or no address is set.

    Raises:
        InputError: The address is none of HTTP.
    """
    address = os.environ.get(ADDRESS)
    problem = None if not address else _send(address, text)
    line = {"at": datetime.now(UTC).isoformat(), "text": text, "problem": problem}
    home.mkdir(parents=True, exist_ok=True)
    with (home / "alerts.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return problem


def _send(address: str, text: str) -> str | None:
    if not address.startswith(("https://", "http://")):
        raise InputError(ADDRESS, "it is no address of HTTP", "Set it to https://…, or unset it")
    body = json.dumps({"text": text}, ensure_ascii=False).encode()
    try:
        request = Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 - of HTTP, see above
        with urlopen(request, timeout=_TIMEOUT_SECONDS):  # noqa: S310
            return None
    except OSError as error:  # the reason alone: the address is a secret
        return f"{ADDRESS}: {error.reason if isinstance(error, URLError) else error}"
    except (HTTPException, ValueError) as error:  # an answer that is none of HTTP, or a broken address, which it quotes
        return f"{ADDRESS}: {type(error).__name__}"
