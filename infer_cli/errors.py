"""What can go wrong, named by condition.

::

    InferError                 exit code 1
     ├─ ModelError             the model file or its folder
     │   ├─ ModelNotFound      no such folder, no model in it, or several
     │   ├─ ModelUnreadable    empty, cut short, or not a model
     │   └─ ModelUnsafe        it names what no known model uses
     ├─ InvalidImageName       a tag that breaks a rule
     ├─ LockFailed             packages that cannot be resolved or fetched
     │   └─ NothingFits        no versions, or no wheels, that go together
     ├─ EngineError
     │   ├─ EngineUnavailable  nothing answers, or it is too old
     │   ├─ ImageNotFound      not on the engine, and not to be pulled
     │   ├─ BuildFailed
     │   ├─ VerificationFailed the built service does not answer, or answers otherwise
     │   ├─ NotCompiled        the model has no arithmetic of its own, or that answers otherwise
     │   ├─ PushFailed
     │   ├─ PortTaken
     │   ├─ NameTaken
     │   ├─ ContainerFailed    the service did not start, or ended
     │   └─ ProgramNotRun      exit code 127 or 126: no such program in the service, or it cannot be run
     ├─ ServiceNotFound        no running service of that name, or several
     ├─ PredictionFailed       the service refused the rows
     ├─ UsageError             exit code 2: options that contradict each other
     └─ Interrupted            exit code 130: Ctrl-C
"""

from __future__ import annotations


class InferError(Exception):
    """Something that infer was asked for could not be done.

    The message says what happened and to which thing; `hint`, if known, says what to do next;
    `detail` holds text to show between the two (the end of a log, a list of choices).
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None, detail: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail


class ModelError(InferError):
    """The model file, or the folder that holds it, cannot be used."""


class ModelNotFound(ModelError):
    """There is no such folder, no model in it, or more than one."""


class ModelUnreadable(ModelError):
    """The file is empty, cut short, or not a model that is understood."""


class ModelUnsafe(ModelError):
    """Loading the file would import what is dangerous, or not known to be harmless."""


class InvalidImageName(InferError):
    """A tag breaks a rule of image names."""

    exit_code = 2


class LockFailed(InferError):
    """The packages cannot be resolved or fetched."""


class NothingFits(LockFailed):
    """No versions go together, or there are no wheels of them for this Python and processor."""


class EngineError(InferError):
    """The engine refused, or failed at, what it was asked."""


class EngineUnavailable(EngineError):
    """No engine answers, or the one that does is too old."""


class ImageNotFound(EngineError):
    """The engine does not have the image and cannot pull it."""


class BuildFailed(EngineError):
    """The engine could not build the image."""


class VerificationFailed(EngineError):
    """The service of a built image does not start, does not answer, or answers otherwise than expected."""


class NotCompiled(EngineError):
    """The model could not be compiled, or the compiled one does not answer as the model does."""


class PushFailed(EngineError):
    """The registry did not take the image."""


class PortTaken(EngineError):
    """Something else listens on the port."""


class NameTaken(EngineError):
    """Another container has the name."""


class ContainerFailed(EngineError):
    """The service did not start, or it ended by itself."""


class ProgramNotRun(EngineError):
    """The service has no such program, or it cannot be run; the exit codes are those of a shell."""

    exit_code = 127

    def __init__(self, message: str, *, hint: str | None = None, is_there: bool = False) -> None:
        super().__init__(message, hint=hint)
        if is_there:
            self.exit_code = 126


class ServiceNotFound(InferError):
    """No running service has the name, or none was named and several run."""


class PredictionFailed(InferError):
    """The service refused the rows that it was given, or did not answer."""


class UsageError(InferError):
    """The options contradict each other."""

    exit_code = 2


class Interrupted(InferError):
    """The user stopped it, and what it had begun was cleaned up."""

    exit_code = 130

    def __init__(self, message: str = "interrupted") -> None:
        super().__init__(message)
