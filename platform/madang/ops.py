"""The `ops` tables: what was planned, sent, received, given up, released. They are as public as the attributes."""

from madang.schema.types import DATE, FLOAT, INSTANT, INTEGER, JSON, TEXT, Column, Table

_POST = (
    Column("task", TEXT, "Name of the task"),
    Column("recipe", TEXT, "task@number"),
    Column("source", TEXT, "Source of the post"),
    Column("post_id", TEXT, "The source's own id"),
    Column("content_hash", TEXT, "Which text of the post"),
)
_POST_KEY = ("task", "recipe", "source", "post_id", "content_hash")

PLANS = Table(
    "ops.plans",
    (
        *_POST,
        Column("day", DATE, "Partition of the post"),
        Column("run", TEXT, "Run that first planned it"),
        Column("reason", TEXT, "new, edited or recipe"),
        Column("state", TEXT, "pending, extracted, quarantined, or superseded by a later edit"),
        Column("planned_at", INSTANT, "When it was first planned"),
        Column("settled_at", INSTANT, "When it left pending; null while it is"),
    ),
    _POST_KEY,
    "A post that a run planned under a recipe, and what became of it",
)

REPLIES = Table(
    "ops.replies",
    (
        Column("request_hash", TEXT, "What was sent"),
        Column("model", TEXT, "Identity of the model"),
        Column("lane", TEXT, "online, batch, local or student"),
        Column("text", TEXT, "As received"),
        Column("finish", TEXT, "stop, or length if it was cut at the token limit"),
        Column("input_tokens", INTEGER, "Tokens of the request"),
        Column("output_tokens", INTEGER, "Tokens of the reply"),
        Column("cached_tokens", INTEGER, "Tokens of the request read from a cache"),
        Column("latency_seconds", FLOAT, "From sending to the last token"),
        Column("usd", FLOAT, "What it cost, US dollars"),
        Column("tokens", JSON, "Tokens with their log-probabilities, or []"),
        Column("received_at", INSTANT, "When it was safe on disk"),
    ),
    ("request_hash",),
    "A raw reply of a model, shared by every lane, task and recipe",
)

LEDGER = Table(
    "ops.ledger",
    (
        Column("call_id", TEXT, "One call; a request sent again is another call"),
        Column("request_hash", TEXT, "What was sent"),
        Column("run", TEXT, "Run that sent it"),
        Column("task", TEXT, "Name of the task"),
        Column("recipe", TEXT, "task@number"),
        Column("model", TEXT, "Identity of the model"),
        Column("lane", TEXT, "online, batch, local or student"),
        Column("outcome", TEXT, "ok; a class of failure; unknown (in flight when its owner died); "
                                "lost (received, then gone from the spool)"),
        Column("reserved_usd", FLOAT, "Most it could cost"),
        Column("usd", FLOAT, "What it cost; an unknown outcome counts at what was reserved"),
        Column("input_tokens", INTEGER, "Null if no reply came"),
        Column("output_tokens", INTEGER, "Null if no reply came"),
        Column("cached_tokens", INTEGER, "Null if no reply came"),
        Column("latency_seconds", FLOAT, "Null if no reply came"),
        Column("day", DATE, "Partition of the post for which it was sent first"),
        Column("sent_at", INSTANT, "When the intent was written"),
        Column("settled_at", INSTANT, "When the outcome was known"),
    ),
    ("call_id",),
    "A call to a model: the intent before it was sent, the outcome after it",
)  # fmt: skip

QUARANTINE = Table(
    "ops.quarantine",
    (
        *_POST,
        Column("day", DATE, "Partition of the post"),
        Column("failure", TEXT, "Class: invalid_reply, truncated, refused, too_long, permanent, transient"),
        Column("message", TEXT, "For the operator; holds no post text"),
        Column("run", TEXT, "Run that gave up"),
        Column("quarantined_at", INSTANT, "When"),
    ),
    _POST_KEY,
    "A post whose extraction failed for good under a recipe",
)

RECIPES = Table(
    "ops.recipes",
    (
        Column("task", TEXT, "Name of the task"),
        Column("recipe", TEXT, "task@number"),
        Column("number", INTEGER, "1, 2, 3 … in the order of first use"),
        Column("recipe_hash", TEXT, "Hash of its content"),
        Column("content", JSON, "What it is made of"),
        Column("created_at", INSTANT, "When a run first used it"),
    ),
    ("task", "recipe_hash"),
    "A recipe that a run has used",
)

RELEASES = Table(
    "ops.releases",
    (
        Column("task", TEXT, "Name of the task"),
        Column("number", INTEGER, "1, 2, 3 …; the highest is live"),
        Column("recipe", TEXT, "task@number of the recipe"),
        Column("released_at", INSTANT, "From when it is live"),
        Column("released_by", TEXT, "Who said so"),
        Column("reason", TEXT, "first run, release or rollback"),
    ),
    ("task", "number"),
    "A recipe that became live; rows are only ever added",
)

EVALUATIONS = Table(
    "ops.evaluations",
    (
        Column("evaluated_at", INSTANT, "When"),
        Column("task", TEXT, "Name of the task"),
        Column("recipe", TEXT, "task@number, or its hash if it was never run"),
        Column("lane", TEXT, "How the values came"),
        Column("gold", TEXT, "File name of the answers"),
        Column("field", TEXT, "Field, by the gold's own key"),
        Column("metric", TEXT, "As in the scoring contract"),
        Column("value", FLOAT, "0 to 1"),
        Column("low", FLOAT, "Lower end of the 95% interval"),
        Column("high", FLOAT, "Upper end"),
        Column("n", INTEGER, "Posts or items it rests on"),
        Column("baseline", FLOAT, "The majority or empty answer on the same posts"),
    ),
    ("evaluated_at", "task", "recipe", "lane", "gold", "field", "metric"),
    "A metric of a field, scored against gold",
)

LEASES = Table(
    "ops.leases",
    (
        Column("task", TEXT, "Name of the task"),
        Column("day", DATE, "Partition that the run has posts to do in"),
        Column("run", TEXT, "Run that works on it"),
        Column("owner", TEXT, "Home of the run; runs of one home share a day, and its claims keep them apart"),
        Column("host", TEXT, "Machine of the run"),
        Column("taken_at", INSTANT, "When the run took it, by its own clock"),
        Column("expires_at", INSTANT, "From when on another home may take it, unless it is renewed before"),
    ),
    ("task", "day", "run"),
    "A day of a task that a run of one of several homes works on",
)

ERASURES = Table(
    "ops.erasures",
    (
        Column("erased_at", INSTANT, "When the erasure began"),
        Column("source", TEXT, "Source of the post"),
        Column("post_id", TEXT, "The source's own id"),
        Column("store", TEXT, "Table, file or folder; `erasure` is the line about the whole"),
        Column("state", TEXT, "begun (killed since), removed, kept, outside (of what madang reaches), or busy: erasing "
                              "again reaches it"),
        Column("removed", INTEGER, "How many went"),
        Column("unit", TEXT, "Of what"),
        Column("note", TEXT, "Why it is kept, or what to do about it"),
    ),
    ("erased_at", "source", "post_id", "store"),
    "What the erasure of a post found in one store, and did there",
)  # fmt: skip

OPS_TABLES = (PLANS, REPLIES, LEDGER, QUARANTINE, RECIPES, RELEASES, EVALUATIONS, LEASES, ERASURES)
