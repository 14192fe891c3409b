"""A GGUF language model run in this process, the same answer for the same question every time.

Greedy decoding alone does not give that: llama.cpp's sums change with the batch a token sits in, so the logits move
with what the KV cache holds and with what a second slot happens to decode, and near ties flip. Hence three choices
that look wasteful and are not. Each engine is a server of its own with one slot and one thread, never one server
with several. Before each question the cache is cut back to exactly the shared prefix, at the cost of one token. A
changed prefix is computed from an empty cache. docs/decisions/0001 has the figures (`make bench-local`).
"""

import asyncio
import secrets
import threading
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from madang.errors import ModelFileError, PermanentFailure, TooLong
from madang.models.calling import send_with
from madang.models.control import Rates
from madang.models.gbnf import grammar_of
from madang.models.gguf_file import find_gguf
from madang.models.protocol import LEAST_LOGPROB, Message, Outcome, Reply, Request, Token
from madang.models.specs import Lane, LocalModel

ALTERNATIVES = 20
# A base model's file carries no chat template, and llama.cpp would take ChatML, which it never saw. A turn opens with
# a line break and a user's content has none, so a post cannot open one.
PLAIN_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}"
    "{% elif m.role == 'user' %}\n\n### {{ m.content | replace('\n', ' ') }}\n"
    "{% else %}{{ m.content }}{% endif %}{% endfor %}"
)
_HEADER_BYTES = 1 << 25  # a vocabulary of 262,000 tokens takes 8 MB


class LocalLane:
    """A lane to one GGUF file; `open` loads it, and waits while another process of this home has one open."""

    lane: Lane = "local"

    def __init__(self, spec: LocalModel, home: Path, identity: str) -> None:
        self._spec, self._home, self._identity = spec, home, identity
        self._free: list[_Engine] = []
        self._mutex = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """See `Model`. The lock keeps two processes from halving each other's speed on the same cores."""
        path = await asyncio.to_thread(find_gguf, self._spec.file, self._home, self._spec.expected_sha256)
        (self._home / "models").mkdir(parents=True, exist_ok=True)
        # One for all lanes of this process: a task that falls back to a second local model would wait for itself.
        lock = FileLock(self._home / "models" / "local.lock", thread_local=False, is_singleton=True)
        await asyncio.to_thread(lock.acquire)
        self._pool = ThreadPoolExecutor(self._spec.slots, thread_name_prefix="local-model")
        try:
            loop = asyncio.get_running_loop()
            loading = [loop.run_in_executor(self._pool, _Engine, path, self._spec.context_tokens)
                       for _ in range(self._spec.slots)]  # fmt: skip
            self._free = list(await asyncio.gather(*loading))
            yield
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._free.clear()  # the servers stop when dropped
            lock.release()

    def send(self, requests: AsyncIterator[Request]) -> AsyncIterator[Outcome]:
        """See `Model`."""
        return send_with(self._call, requests, Rates(self._spec.slots))

    def reserved_usd(self, request: Request) -> float:
        """Nothing: the cores are ours."""
        return 0.0

    async def _call(self, request: Request) -> Reply:
        assert self._pool is not None
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._answer, request)

    def _answer(self, request: Request) -> Reply:
        prefix = request.messages[:-1]
        with self._mutex:  # as many engines as threads: one is always free
            engine = next((engine for engine in self._free if engine.prefix == prefix), self._free[0])
            self._free.remove(engine)
        try:
            return engine.answer(request)
        finally:
            with self._mutex:
                self._free.append(engine)


class _Engine:
    """One server, one slot, one thread; used by one caller at a time."""

    def __init__(self, path: Path, context_tokens: int) -> None:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.verbosity = 0  # else it writes to stderr
        params.model.path = str(path)
        params.n_ctx, params.n_parallel = context_tokens, 1
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
        params.swa_full = True  # else a sliding-window model cannot cut its cache back to the prefix
        params.cache_ram_mib, params.n_ctx_checkpoints = 0, 0  # no state restored behind our back
        params.fit_params = False  # would shrink n_ctx to the free memory
        params.warmup = False
        params.api_keys = [secrets.token_hex(16)]  # it also listens on a loopback port; nobody is told the key
        params.cors_origins = ""
        if not _has_chat_template(path):
            params.chat_template = PLAIN_TEMPLATE
        try:
            self._server = xllamacpp.Server(params)
        except RuntimeError as error:
            raise ModelFileError(path, "it did not load", "It may be cut short, or of an architecture that this "
                                 "xllamacpp does not know") from error  # fmt: skip
        self._model_path = path
        self.prefix: tuple[Message, ...] = ()

    def answer(self, request: Request) -> Reply:
        """Answers one request.

        Raises:
            TooLong: Prompt and post do not fit the context.
        """
        started = time.perf_counter()
        self._settle(request.messages[:-1])
        raw = self._complete(
            request.messages, grammar=grammar_of(request.schema), max_tokens=request.max_tokens, cache_prompt=True,
            logprobs=True, top_logprobs=ALTERNATIVES, samplers=["top_k"], top_k=1,
        )  # fmt: skip
        choice, usage = raw["choices"][0], raw["usage"]
        tokens = tuple(map(_token, (choice.get("logprobs") or {"content": []})["content"]))
        return Reply(
            request_hash=request.hash,
            text=(choice["message"]["content"] or "").strip(),
            finish="length" if choice["finish_reason"] == "length" else "stop",
            input_tokens=usage["prompt_tokens"],
            output_tokens=usage["completion_tokens"],
            cached_tokens=usage["prompt_tokens_details"]["cached_tokens"],
            seconds=time.perf_counter() - started,
            tokens=tokens,
        )

    def _settle(self, prefix: tuple[Message, ...]) -> None:
        """Leaves exactly the prefix in the cache, its last token computed alone: how it always is the second time."""
        if not prefix:
            return
        if prefix != self.prefix:
            self.prefix = ()
            self._complete(prefix, max_tokens=0, cache_prompt=False)
            self.prefix = prefix
        self._complete(prefix, max_tokens=0, cache_prompt=True)

    def _complete(self, messages: Sequence[Message], **options: Any) -> dict[str, Any]:
        turns = [{"role": message.role, "content": message.content} for message in messages]
        reply: dict[str, Any] = self._server.handle_chat_completions(
            {"temperature": 0, "id_slot": 0, "messages": turns, **options}
        )
        if error := reply.get("error"):  # returned, not raised
            if error["type"] == "exceed_context_size_error":
                raise TooLong("local model", f"prompt and post have {error['n_prompt_tokens']} tokens, the context "
                              f"{error['n_ctx']}", "Raise context_tokens of the model")  # fmt: skip
            raise PermanentFailure("local model", f"the request was refused ({error['type']})", "Report it")
        return reply


def _token(raw: dict[str, Any]) -> Token:
    likely = (other for other in raw["top_logprobs"] if other["logprob"] > LEAST_LOGPROB)
    return Token(raw["token"], raw["logprob"], tuple((other["token"], other["logprob"]) for other in likely))


def _has_chat_template(path: Path) -> bool:
    with path.open("rb") as file:
        return b"tokenizer.chat_template" in file.read(_HEADER_BYTES)
