"""Every error that the service raises itself, as one tree.

::

    ServiceError
    ├── WrongSettings          the environment holds settings that cannot be used
    ├── CannotListen           the port or the address cannot be had
    ├── ModelUnloadable        the model file cannot be served: which file, why, and what to do
    ├── UnusableFile           a loader's reason, before the file's name is put to it
    │   └── UnreadableArchive  the file is no compiled model of this version
    ├── UnsoundValue           compiled code must not be given a value of the model
    ├── WrongSchema            a declared schema is no schema, or does not fit the model
    ├── WrongField             a field of a compiled model's file holds a value that it may not hold
    ├── Forbidden              a pickle would do what a model does not do (also a pickle.UnpicklingError)
    ├── NotCompilable          a model, or a part of it, stays in its library
    ├── NotCompiled            `python3 -m service.compile` wrote nothing
    ├── InvalidInput           a request from which no rows can be made: status 400
    │   ├── WrongContentType   a body of a type that its path does not take: status 415
    │   ├── IncompleteBody     a body that ended too early, or came too slowly: status 400 or 408
    │   ├── LengthRequired     a body whose end cannot be told without its length: status 411
    │   ├── BodyTooLarge       a body for which there is not enough memory: status 413
    │   └── TooManyRows        a body of more rows than are taken: status 413
    ├── InvalidValue           one value of a request that its feature does not take
    ├── ModelFailed            the model itself raised an error for rows that were checked: status 500
    │   └── ModelRefused       the model itself refuses a row, and answers others: status 422
    ├── Busy                   all slots of the worker are taken: status 503
    ├── DeadlineExceeded       a request whose time was over before the model was asked: status 504
    └── NoRegion               a worker found no region of shared memory to count in

What libraries raise is translated where they are called; what is no `ServiceError` is a bug: status 500.
"""

from __future__ import annotations

import pickle
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from service.json_values import JsonValue


RIGHTS_ADVICE = (
    "If own code of the model connects to another program, allow it with --egress; if it starts one, with "
    "--env PROGRAMS=1"
)


class ServiceError(Exception):
    """Any error that the service raises itself."""


class WrongSettings(ServiceError):
    """Some settings cannot be used; `problems` has one line for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class CannotListen(ServiceError):
    """The address cannot be listened on; the message is one line that says why and what to do."""


class ModelUnloadable(ServiceError):
    """The model file cannot be served; the message is one line that says which file, why, and what to do."""

    def __init__(self, file: Path, reason: str, advice: str) -> None:
        self.file = file
        self.reason = " ".join(reason.split()).rstrip(".")
        self.advice = advice
        super().__init__(f"cannot load {file}: {self.reason}. {advice}.")


class UnusableFile(ServiceError):
    """A loader cannot serve what a file holds; `advice` says what to do.

    The message completes a sentence that starts with "it": a loader does not know what the file is called.
    """

    def __init__(self, reason: str, advice: str = "Save the model again") -> None:
        super().__init__(reason)
        self.advice = advice


class UnreadableArchive(UnusableFile):
    """The file is no compiled model, or one of another version of infer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "Compile the model again: infer compile MODEL")


class UnsoundValue(ServiceError):
    """A value that compiled code must not be given; the message says what is wrong with which part.

    The message completes a sentence that starts with the place of the part: "whose node 5 …".
    """


class WrongSchema(ServiceError):
    """A declared schema is no schema, or does not fit the model; the text of the error is the reason."""


class WrongField(ServiceError):
    """A field of a compiled model's file holds a value that the field may not hold."""


class Forbidden(ServiceError, pickle.UnpicklingError):
    """Loading the pickle would do what loading a model never does.

    `name` is the full name that the pickle would import or call, if the reason is a name. `is_unknown` says
    that the name is on no list: it is not known to be dangerous.
    """

    def __init__(self, reason: str, *, name: str | None = None, is_unknown: bool = False) -> None:
        super().__init__(reason)
        self.name = name
        self.is_unknown = is_unknown


class NotCompilable(ServiceError):
    """A model, or a part of one, is not compiled and answers through its library; the message says why."""


class NotCompiled(ServiceError):
    """A compiled model was not written; `kind` is for programs, `reason` for people.

    `details` has one line for each row that was answered otherwise than by the model.
    """

    def __init__(self, kind: str, reason: str, details: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.details = list(details)


class InvalidInput(ServiceError):
    """A request from which no rows can be made; `code` and `details` are for programs.

    `message` is for people.
    """

    status = 400

    def __init__(self, message: str, *, code: str = "invalid_input", details: JsonValue = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


class WrongContentType(InvalidInput):
    """A body of a media type that its path does not take; `message` says which it takes."""

    status = 415

    def __init__(self, message: str) -> None:
        super().__init__(message, code="unsupported_media_type")


class IncompleteBody(InvalidInput):
    """A body of which less came than its length says; `is_late`: the service did not wait any longer."""

    def __init__(self, *, is_late: bool) -> None:
        self.status = 408 if is_late else 400
        reason = "came too slowly to wait for it" if is_late else "is shorter than its Content-Length"
        super().__init__(f"The body {reason}.", code="body_too_slow" if is_late else "incomplete_body")


class LengthRequired(InvalidInput):
    """A body without a length, of a media type in which a part of it looks like all of it."""

    status = 411

    def __init__(self, media_type: str) -> None:
        super().__init__(
            f"A body of the type {media_type} must be sent with its Content-Length: without it, a body that "
            "breaks off could not be told from a complete one.",
            code="length_required",
        )


class BodyTooLarge(InvalidInput):
    """A body whose media type takes more memory than the service has."""

    status = 413

    def __init__(self, most: int) -> None:
        super().__init__(
            f"The body is longer than the {most} bytes of its type for which the service has memory; send "
            "fewer rows.",
            code="body_too_large",
            details={"max_body_bytes": most},
        )


class TooManyRows(InvalidInput):
    """A body of more rows, or other lists and objects, than are taken at once.

    `reason` completes a sentence that starts with "The body has".
    """

    status = 413

    def __init__(self, most: int, reason: str) -> None:
        super().__init__(
            f"The body has {reason}; send fewer rows.",
            code="too_many_rows",
            details={"max_rows": most},
        )


class InvalidValue(ServiceError):
    """A value that its feature does not take; `known` are the values that the feature takes, if they are few.

    `message` completes a sentence that starts with the name of the feature.
    """

    def __init__(self, problem: str, message: str, known: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.problem = problem
        self.message = message
        self.known = known


class ModelFailed(ServiceError):
    """The model itself raised an error for rows of checked values; the error is the cause of this one.

    `kind` is the name of that error's class. `row` is the position of the first row that fails alone; None if
    the rows fail only together.
    """

    def __init__(self, kind: str, row: int | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.row = row


class ModelRefused(ModelFailed):
    """The model itself refuses a row of checked values, such as one beyond its range; it answers others.

    `reason` is the first line of what the model says.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(kind)
        self.reason = reason


class Busy(ServiceError):
    """All slots of this worker are taken, or all of its memory, and none came free in time."""

    def __init__(self, reason: str = "all slots of this worker are taken") -> None:
        super().__init__(reason)


class DeadlineExceeded(ServiceError):
    """The deadline of a request has passed while it waited; `source` names what set it."""

    def __init__(self, allowed_ms: float, source: str) -> None:
        super().__init__(
            f"The service did not come to this request within the {allowed_ms:g} ms that {source} allows, "
            "and gave it up. Allow more time, or send fewer requests at once."
        )


class NoRegion(ServiceError):
    """No region of the shared memory is free for this worker to count in."""


def is_refused(error: BaseException | None) -> bool:
    """Tell whether an error, or one that led to it, is the kernel's refusal of what was tried.

    A name that cannot be looked up is one too: the C library does not say why.
    """
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        if isinstance(error, (PermissionError, socket.gaierror)) or "not permitted" in str(error):
            return True
        seen.append(error)
        error = error.__cause__ or error.__context__
    return False


def with_article(name: str) -> str:
    """Give the name of a class with "a" or "an" before it, as it is spoken: an SVC, a Ridge, an OPTICS."""
    is_spelt = name[:2].isupper() and name[0] in "FHLMNRSX"
    return f"{'an' if is_spelt or name[:1].lower() in set('aeio') else 'a'} {name}"
