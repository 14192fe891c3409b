"""Whether the local lane gives the same reply in any order, beside one llama.cpp server with two slots.

Run: python benchmarks/local_determinism.py [POSTS]. Reads the sample posts of `groups` forwards and backwards, and
counts replies whose text, or whose log-probabilities, differ between the two.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from madang.extraction.grounding import PostText
from madang.extraction.requests import RequestTemplate
from madang.models.catalogue import Catalogue
from madang.models.gbnf import grammar_of
from madang.models.gguf_file import find_gguf
from madang.models.local import PLAIN_TEMPLATE
from madang.models.protocol import Reply, Request
from madang.models.specs import LocalModel
from madang.posts.masking import mask
from madang.posts.reading import read_posts
from madang.settings import Settings
from madang.task import load_task

Answer = tuple[str, tuple[float, ...]]


def requests(settings: Settings, posts: int) -> list[Request]:
    """Requests for the first sample posts."""
    task = load_task(settings.project, "groups")
    template, identity = RequestTemplate(task), Catalogue(settings).identity("local")
    rows = read_posts(task.folder / "samples.jsonl").head(posts).iter_rows(named=True)
    texts = (PostText({column: mask(row[column]) for column in task.text_columns}) for row in rows)
    return [template.request(text, identity, 96) for text in texts if not text.is_blank]


def by_our_lane(settings: Settings, asked: Sequence[Request]) -> dict[str, Answer]:
    """Replies of the lane as it is."""

    async def pull() -> AsyncIterator[Request]:
        for request in asked:
            yield request

    async def ask() -> dict[str, Answer]:
        lane = Catalogue(settings).model("local")
        async with lane.open():
            replies = [outcome async for outcome in lane.send(pull()) if isinstance(outcome, Reply)]
        return {reply.request_hash: (reply.text, tuple(token.logprob for token in reply.tokens)) for reply in replies}

    return asyncio.run(ask())


def by_two_slots(path: Path, asked: Sequence[Request]) -> dict[str, Answer]:
    """Replies of one server that decodes two posts side by side."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.verbosity, params.model.path, params.n_ctx, params.n_parallel = 0, str(path), 4096, 2
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
    params.swa_full, params.fit_params, params.chat_template = True, False, PLAIN_TEMPLATE
    server = xllamacpp.Server(params)

    def ask(request: Request) -> tuple[str, Answer]:
        turns = [{"role": message.role, "content": message.content} for message in request.messages]
        choice = server.handle_chat_completions({
            "messages": turns, "grammar": grammar_of(request.schema), "max_tokens": request.max_tokens,
            "temperature": 0,
            "cache_prompt": True, "logprobs": True, "top_logprobs": 1, "samplers": ["top_k"], "top_k": 1,
        })["choices"][0]  # fmt: skip
        tokens = choice["logprobs"]["content"]
        return request.hash, (choice["message"]["content"].strip(), tuple(token["logprob"] for token in tokens))

    with ThreadPoolExecutor(2) as pool:
        return dict(pool.map(ask, asked))


def main() -> None:
    """Prints one line a contender."""
    settings = Settings.load()
    asked = requests(settings, int(sys.argv[1]) if len(sys.argv) > 1 else 24)
    spec = settings.models["local"]
    assert isinstance(spec, LocalModel)
    path = find_gguf(spec.file, settings.home, spec.expected_sha256)
    for name, answers in (
        ("our lane", lambda some: by_our_lane(settings, some)),
        ("one server, two slots", lambda some: by_two_slots(path, some)),
    ):
        began = time.perf_counter()
        forwards, backwards = answers(asked), answers(asked[::-1])
        seconds = (time.perf_counter() - began) / (2 * len(asked))
        texts = sum(forwards[key][0] != backwards[key][0] for key in forwards)
        probabilities = sum(forwards[key][1] != backwards[key][1] for key in forwards)
        print(f"{name}: of {len(asked)} replies {texts} differ in text, {probabilities} in log-probabilities; "  # noqa: T201
              f"{seconds:.2f} s a post")  # fmt: skip


if __name__ == "__main__":
    main()
