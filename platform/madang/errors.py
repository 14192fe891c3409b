"""The error family. Every message names the place, the culprit and the remedy.

    MadangError                 exit 2
    ├── DeclarationError        a task folder is wrong: refused when definitions load
    ├── InputError              posts, gold or arguments are wrong: nothing was written
    ├── ModelFileError          a model file is missing or is not the one declared
    ├── WarehouseError          the warehouse cannot be opened or is of another version
    ├── DiskFull                no room for the replies of the calls in flight; exit 4
    ├── ModelUnavailable        a model only fails, or refuses our key; exit 5
    ├── CapReached              the money cap stopped the run; exit 4
    ├── NothingPlanned          a run found no post to extract; exit 3
    └── CallFailed              one model call failed
        ├── TransientFailure    worth another try (429, 503, reset)
        └── PermanentFailure    the same request will fail again
            ├── TooLong         it does not fit the model
            ├── Refused         the provider will not answer it
            └── Misconfigured   no request can succeed: key, model's name or address is wrong

Only `TransientFailure` is retried. A bad *post* is never an exception: it ends in quarantine as a row.
"""


class MadangError(Exception):
    """Base of all errors that a user can act on.

    Args:
        place: File, table, task or argument in which the fault lies.
        culprit: What is wrong there, with its value.
        remedy: What to do about it, as an imperative sentence.
    """

    exit_code = 2

    def __init__(self, place: object, culprit: str, remedy: str) -> None:
        self.place, self.culprit, self.remedy = str(place), culprit, remedy
        super().__init__(f"{place}: {culprit}. {remedy}")

    def __reduce__(self) -> tuple[type["MadangError"], tuple[str, str, str], dict[str, object]]:
        return type(self), (self.place, self.culprit, self.remedy), vars(self)


class DeclarationError(MadangError):
    """A task folder is wrong. The other tasks still load."""


class InputError(MadangError):
    """Posts, gold or arguments are wrong. Nothing was written."""


class ModelFileError(MadangError):
    """A model file is missing, unreadable, or its hash is not the declared one."""


class WarehouseError(MadangError):
    """The warehouse cannot be opened, or was written by a newer madang."""


class DiskFull(MadangError):
    """There is no room for replies or rows, so no more calls are sent. What was received is safe."""

    exit_code = 4

    @classmethod
    def at(cls, place: object, why: str) -> "DiskFull":
        """The error for a write that found no room."""
        return cls(place, f"no room ({why})", "Free space there and run again: it goes on at the first post not asked")

    @staticmethod
    def is_meant(error: Exception) -> bool:
        """Whether an error of SQLite, DuckDB or the system says that a disk is full."""
        return "No space left" in str(error) or "disk is full" in str(error)


class CapReached(MadangError):
    """The money cap stopped the run. Running again goes on at the first post not asked."""

    exit_code = 4


class ModelUnavailable(MadangError):
    """A model only fails, or does not let us in. What was received is committed; posts stay pending."""

    exit_code = 5


class NothingPlanned(MadangError):
    """No post needs extraction; the message says why."""

    exit_code = 3


class CallFailed(MadangError):
    """One model call failed; `failure` is the class kept in the ledger and in quarantine.

    Args:
        place: Which model.
        culprit: What happened; holds no post text and no key.
        remedy: What to do about it.
        usd: What the call cost all the same, US dollars; None if nobody knows: it counts at what was reserved.
    """

    failure = "permanent"

    def __init__(self, place: object, culprit: str, remedy: str, *, usd: float | None = 0.0) -> None:
        super().__init__(place, culprit, remedy)
        self.usd = usd


class TransientFailure(CallFailed):
    """The same request may succeed later.

    Args:
        place: Which model.
        culprit: What happened.
        remedy: What to do about it.
        usd: See `CallFailed`.
        retry_after_seconds: How long the server asked to wait; None if it did not say.
        is_overload: Whether the server said that it gets too much (429, 503): fewer calls at once would help.
    """

    failure = "transient"

    def __init__(
        self, place: object, culprit: str, remedy: str, *, usd: float | None = 0.0,
        retry_after_seconds: float | None = None, is_overload: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(place, culprit, remedy, usd=usd)
        self.retry_after_seconds, self.is_overload = retry_after_seconds, is_overload


class PermanentFailure(CallFailed):
    """The same request will fail again."""


class TooLong(PermanentFailure):
    """The post and its prompt do not fit the model's context."""

    failure = "too_long"


class Refused(PermanentFailure):
    """The provider will not answer: safety, recitation, a block list."""

    failure = "refused"


class Misconfigured(PermanentFailure):
    """No request can succeed: the key, the model's name or the address is wrong. Sending more of them is of no use."""

    failure = "misconfigured"
