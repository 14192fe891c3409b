"""How sure the model was of each answer, from the probabilities of the answer's own tokens.

A label's confidence is renormalised over the allowed labels, token by token: the probabilities come from before
the grammar, and what the grammar forbids must not dilute them. An open answer's is the geometric mean over its
tokens, so that a long quote is not less sure than a short one. None of them is calibrated.
"""

import json
import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from madang.models.protocol import Token
from madang.schema.base import FieldKind

Stretch = tuple[int, int]


def confidences(text: str, tokens: Sequence[Token], fields: dict[str, FieldKind]) -> dict[str, float]:
    """Confidence by field, 0 to 1; a field is absent where the reply or the model does not tell.

    Args:
        text: The reply; its tokens joined must give it, else nothing is known.
        tokens: The reply's tokens.
        fields: The asked fields.
    """
    if not tokens or "".join(token.text for token in tokens) != text:
        return {}
    stretches = value_stretches(text)
    starts = [0, *accumulate(len(token.text) for token in tokens)]
    found = {}
    for name, field in fields.items():
        if name not in stretches:
            continue
        allowed = field.allowed()
        items = [_of_item(text, tokens, starts, stretch, allowed) for stretch in stretches[name]]
        if items:
            # A set is as sure as its least sure member.
            found[name] = min(items)
    return found


def value_stretches(text: str) -> dict[str, list[Stretch]]:
    """Where each top-level value of a JSON object stands, quotes left out; one stretch a list item."""
    decoder = json.JSONDecoder()
    stretches: dict[str, list[Stretch]] = {}
    try:
        at = _skip(text, text.index("{") + 1)
        while text[at] != "}":
            key, at = decoder.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)
            _, end = decoder.raw_decode(text, at)
            stretches[str(key)] = _items(text, at, end, decoder)
            at = _skip(text, end)
            if text[at] == ",":
                at = _skip(text, at + 1)
    except (ValueError, IndexError, RecursionError):  # a repaired reply: what was read so far stands
        return stretches
    return stretches


def _items(text: str, start: int, end: int, decoder: json.JSONDecoder) -> list[Stretch]:
    if text[start] != "[":
        return [_unquoted(text, start, end)]
    items = []
    at = _skip(text, start + 1)
    while text[at] != "]":
        _, stop = decoder.raw_decode(text, at)
        items.append(_unquoted(text, at, stop))
        at = _skip(text, stop)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return items


def _unquoted(text: str, start: int, end: int) -> Stretch:
    return (start + 1, end - 1) if text[start] == '"' else (start, end)


def _skip(text: str, at: int) -> int:
    while text[at].isspace():
        at += 1
    return at


def _of_item(
    text: str, tokens: Sequence[Token], starts: Sequence[int], stretch: Stretch, allowed: tuple[str, ...] | None
) -> float:
    """Confidence of one value.

    Args:
        text: The reply.
        tokens: Its tokens.
        starts: Where each token begins in it, and at last where the reply ends.
        stretch: Where the value stands.
        allowed: See `FieldKind.allowed`.
    """
    start, end = stretch
    # A token may reach past the value: into its closing quote, or what follows a bare true or false.
    ends = '"' if start and text[start - 1] == '"' else ",]} \n"
    logs = []
    for index in range(bisect_right(starts, start) - 1, bisect_left(starts, end)):
        token, before = tokens[index], starts[index]
        if not token.text:
            continue
        if allowed is None:
            logs.append(token.logprob)
        else:
            prefix = text[start:before] if before > start else ""
            logs.append(_renormalised(token, prefix, max(start - before, 0), allowed, ends))
    if not logs:
        return 0.0
    total = sum(logs)
    return math.exp(total / len(logs) if allowed is None else total)


def _renormalised(token: Token, prefix: str, lead: int, allowed: tuple[str, ...], ends: str) -> float:
    """Log-probability among the tokens that continue an allowed label.

    Args:
        token: The token at this place.
        prefix: What stands of the value before it.
        lead: Characters of the token that stand before the value (an opening quote).
        allowed: The labels.
        ends: Characters that end the value.
    """
    head = token.text[:lead]
    mass = 0.0
    for text, logprob in token.top:
        if text[:lead] == head and _continues(prefix + text[lead:], allowed, ends):
            mass += math.exp(logprob)
    mass = max(mass, math.exp(token.logprob))
    return token.logprob - math.log(mass)


def _continues(stretch: str, allowed: tuple[str, ...], ends: str) -> bool:
    if not stretch:
        return False
    length = next((at for at, char in enumerate(stretch) if char in ends), None)
    if length is None:
        return any(item.startswith(stretch) for item in allowed)
    return stretch[:length] in allowed
