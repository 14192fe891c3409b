"""Links every place that a post mentions: the places reader finds the mentions, the post says where it was written."""

import json
from collections.abc import Mapping
from dataclasses import replace

from madang.extraction.grounding import PostText
from madang.linking.bulk import link_together
from madang.linking.link import Evidence, Link
from madang.linking.linker import Linker, MentionContext
from madang.readers.found import FoundMention
from madang.readers.places import read


def link_post_mentions(linker: Linker, row: Mapping[str, object]) -> list[Link]:
    """Links the mentions of a post, in the order of the text.

    Args:
        linker: Of the directory.
        row: The post, as `read_posts` gives it; its `district` and `dong` are read from `extra`.
    """
    text = PostText({"title": str(row["title"]), "body": str(row["body"])})
    found = read(text).get("mentions")
    values = found.value if found is not None and isinstance(found.value, tuple) else ()
    mentions = [one for one in values if isinstance(one, FoundMention)]
    extra = json.loads(str(row["extra"])) if row["extra"] else {}
    context = MentionContext(_text(extra.get("district")), _text(extra.get("dong")), "\n".join(text.parts.values()))
    links = link_together(linker, [(text.quoted(one.span), context) for one in mentions])
    return [
        replace(link, evidence=Evidence(one.span.field, one.span.start, one.span.end))
        for link, one in zip(links, mentions, strict=True)
    ]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
