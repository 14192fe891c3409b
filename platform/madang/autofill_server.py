"""The form over HTTP: `POST /autofill` with a JSON object of the task's text columns, answered with the filled form.

It keeps nothing and writes no text to a log. Errors are JSON too: `{"error": …}`.
"""

import asyncio
import json

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import JsonValue

from madang.autofill import MAX_CHARS, Autofill, NotFilled
from madang.errors import InputError, MadangError

# A character takes at most 12 bytes of JSON, as two escapes.
MAX_BYTES = 12 * MAX_CHARS
_SLOW_SECONDS = 30.0


def application(autofill: Autofill) -> web.Application:
    """The server's routes.

    Args:
        autofill: Fills in the form.
    """

    async def fill(request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(_SLOW_SECONDS):
                plain = json.loads(await request.text())
        except (ValueError, LookupError):
            return _error(400, "the body is not JSON in UTF-8")
        except TimeoutError:
            return _error(408, f"the body did not come within {_SLOW_SECONDS:.0f} s")
        if not isinstance(plain, dict) or not all(isinstance(part, str) for part in plain.values()):
            return _error(400, f"the body is not an object of strings; its keys are {', '.join(autofill.columns)}")
        try:
            form = await asyncio.to_thread(autofill.fill, plain)
        except InputError as error:
            return _error(400, str(error))
        except NotFilled as error:
            return _error(422, str(error))
        except MadangError as error:
            return _error(503, str(error))
        return _json(200, form.to_json())

    @web.middleware
    async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            return _error(error.status, error.reason)

    made = web.Application(client_max_size=MAX_BYTES, middlewares=[errors_as_json])
    made.router.add_post("/autofill", fill)
    return made


def serve(autofill: Autofill, host: str, port: int) -> None:
    """Serves until it is interrupted.

    Args:
        autofill: Fills in the form.
        host: Address to listen on.
        port: Port; 0 takes a free one.
    """
    web.run_app(application(autofill), host=host, port=port, access_log=None)


def _error(status: int, message: str) -> web.Response:
    return _json(status, {"error": message})


def _json(status: int, body: dict[str, JsonValue]) -> web.Response:
    return web.json_response(body, status=status, dumps=lambda value: json.dumps(value, ensure_ascii=False))
