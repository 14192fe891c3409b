"""The error family. Every message names the place, the culprit and the remedy.

    MadangError                 exit 2
    ├── DeclarationError        a task folder is wrong: refused when definitions load
    ├── InputError              posts, gold or arguments are wrong: nothing was written
    ├── ModelFileError          a model file is missing or is not the one declared
    ├── WarehouseError          the warehouse cannot be opened or is of another version
    ├── DiskFull                no room for the replies of the calls in flight; exit 4
    ├── CapReached              the money cap stopped the run; exit 4
    ├── NothingPlanned          a run found no post to extract; exit 3
    └── CallFailed              one model call failed
        ├── TransientFailure    worth another try (429, 503, reset)
        └── PermanentFailure    the same request will fail again (refused, too long)

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

    def __reduce__(self) -> tuple[type["MadangError"], tuple[str, str, str]]:
        return type(self), (self.place, self.culprit, self.remedy)


class DeclarationError(MadangError):
    """A task folder is wrong. The other tasks still load."""


class InputError(MadangError):
    """Posts, gold or arguments are wrong. Nothing was written."""


class ModelFileError(MadangError):
    """A model file is missing, unreadable, or its hash is not the declared one."""


class WarehouseError(MadangError):
    """The warehouse cannot be opened, or was written by a newer madang."""


class DiskFull(MadangError):
    """No room could be reserved for replies, so no call was sent. What was received is safe."""

    exit_code = 4


class CapReached(MadangError):
    """The money cap stopped the run. Running again goes on at the first post not asked."""

    exit_code = 4


class NothingPlanned(MadangError):
    """No post needs extraction; the message says why."""

    exit_code = 3


class CallFailed(MadangError):
    """One model call failed; `failure` is the class kept in the ledger and in quarantine."""

    failure = "permanent"


class TransientFailure(CallFailed):
    """The same request may succeed later."""

    failure = "transient"


class PermanentFailure(CallFailed):
    """The same request will fail again."""


class TooLong(PermanentFailure):
    """The post and its prompt do not fit the model's context."""

    failure = "too_long"
