"""Names of goods that posts use and the approved vocabulary lacks: proposed to people, never added.

A brand that is not in `readers/data/goods_brands.yaml` keeps its quote and has no canonical maker; a phone that no rule
knows has no product. Who approves a name writes it there, under its canonical name; the reader's version then changes.
"""

import polars as pl

from madang.warehouse.protocol import Warehouse

_LIVE = "attributes.goods__live"
_EXAMPLES = 3
# A name is one however it is spaced and cased; a post that stands there in several revisions is one post.
_PROPOSED = f"""
SELECT kind, name, count(*) AS posts, mode(category) AS category,
  list(source || ':' || post_id ORDER BY day DESC, source, post_id)[1:{_EXAMPLES}] AS examples
FROM (
  SELECT 'brand' AS kind, lower(replace(brand, ' ', '')) AS name, category, source, post_id, day
  FROM {_LIVE} WHERE brand IS NOT NULL AND maker IS NULL
  UNION ALL
  SELECT 'product', lower(replace(model_name, ' ', '')), category, source, post_id, day
  FROM {_LIVE} WHERE model_name IS NOT NULL AND product IS NULL AND category = 'digital'
)
GROUP BY kind, name HAVING count(*) >= ? ORDER BY kind, posts DESC, name
"""


def proposed_names(warehouse: Warehouse, least_posts: int) -> pl.DataFrame:
    """Names that live extractions quote and the vocabulary lacks.

    Args:
        warehouse: Only read.
        least_posts: Names of fewer posts are left out: most are descriptions or slips.

    Returns:
        Columns kind (brand or product), name (lower case, without spaces), posts, category (of most of them) and
        examples (at most three keys of posts, `source:post_id`, newest first), most frequent first; empty if the task
        `goods` has not run.
    """
    if not warehouse.has(_LIVE):
        return pl.DataFrame(
            schema={"kind": pl.String, "name": pl.String, "posts": pl.Int64, "category": pl.String,
                    "examples": pl.List(pl.String)}
        )  # fmt: skip
    return warehouse.read(_PROPOSED, [least_posts])
