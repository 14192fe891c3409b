"""A student in a process of its own, beside the engine: each has a core, and neither waits for the other's Python.

The process ends with the pipe to it, however its owner ends. One that the system killed, most likely for its memory,
is started again and gets the halves of the batch that it was at. Run by `StudentProcess` as a module.
"""

import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import cast

from madang.distillation.registry import StoredStudent
from madang.errors import ModelUnavailable
from madang.models.specs import StudentModel
from madang.models.student_answers import Answered, Asked, StudentAnswers, split

# The other side's process has ended.
_GONE = (EOFError, ConnectionError)
# So many single posts on end that it died of: then it is not the post.
_MOST_DEATHS = 3


class StudentProcess:
    """A process with one student.

    Args:
        spec: What the settings say.
        stored: The student.

    Raises:
        ModelFileError: The student cannot be loaded.
        ModelUnavailable: The process dies as it loads it.
    """

    def __init__(self, spec: StudentModel, stored: StoredStudent) -> None:
        self._loaded = spec, stored
        self._is_closed = False
        self._deaths = 0
        self._start()

    def answer(self, batch: Sequence[Asked]) -> Answered:
        """See `StudentAnswers`.

        Raises:
            ModelUnavailable: The process dies whatever it is asked.
        """
        try:
            self._connection.send(batch)
            answered = cast("Answered", self._received())
        except _GONE as error:
            if self._is_closed:
                raise
            self._end()
            self._deaths += len(batch) == 1
            if self._deaths == _MOST_DEATHS:
                raise ModelUnavailable(
                    self._loaded[0].student, "its process dies of every post", "See what kills it, and run again"
                ) from error
            self._start()
            return split(self.answer, batch)
        self._deaths = 0
        return answered

    def close(self) -> None:
        """Ends the process; whoever waits for an answer gets an error."""
        self._is_closed = True
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._connection.close()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "madang.models.student_process", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
            )
        self._connection = Connection(ours.detach())
        try:
            self._connection.send(self._loaded)
            self._received()
        except _GONE as error:
            status = self._process.wait()
            raise ModelUnavailable(
                self._loaded[0].student, f"its process died as it loaded the student (status {status})",
                "See whether the memory holds it, and run again",
            ) from error  # fmt: skip
        except BaseException:
            self._end()
            raise

    def _received(self) -> object:
        received = self._connection.recv()
        if isinstance(received, Exception):
            raise received
        return received


def _serve(connection: Connection) -> None:
    """Answers batches until the pipe ends. What fails is sent back, and the engine ends the run with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupted engine receives what is in flight
    try:
        answers = StudentAnswers(*connection.recv())
        connection.send(None)
        while True:
            connection.send(answers.answer(connection.recv()))
    except _GONE:
        return
    except Exception as error:  # torch and others raise anything: it is sent to the engine, which ends the run with it
        with suppress(*_GONE):  # nobody is there to be told; a traceback might quote a post
            connection.send(_sendable(error))


def _sendable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # a library's error may run its own code as it is pickled, which may raise anything
        return RuntimeError(f"{type(error).__name__} in the student's process")
    return error


if __name__ == "__main__":
    _serve(Connection(int(sys.argv[1])))
