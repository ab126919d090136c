"""The errors of infer, one class for each condition that a caller or a user must tell apart.

::

    InferError                 exit code 1
     ├─ ModelError             the model file or its folder cannot be used
     │   ├─ ModelNotFound      no such folder, no model in it, or several
     │   ├─ ModelUnreadable    empty, cut short, or not a model
     │   └─ ModelUnsafe        it names code that no known model uses
     ├─ InvalidImageName       a tag that breaks a rule
     ├─ LockFailed             packages that cannot be resolved or fetched
     │   └─ NothingFits        no set of versions or wheels fits together
     ├─ Vulnerable             packages of the image have known vulnerabilities, or none can be looked up
     ├─ EngineError            the engine refused a request
     │   ├─ EngineUnavailable  no engine answers, or it is too old
     │   ├─ ImageNotFound      neither on the engine nor in a registry that it can pull from
     │   ├─ BuildFailed        the image cannot be built
     │   ├─ VerificationFailed the service of the new image gives no answer, or a wrong one
     │   ├─ NotCompiled        the compiler does not support the model, or its result gives other answers
     │   ├─ PushFailed         the registry did not take the image
     │   ├─ PortTaken          another program listens on the port
     │   ├─ NameTaken          another container has the name
     │   ├─ ContainerFailed    the service did not start, or ended
     │   ├─ ModelRefused       the service does not serve a model, and serves the one before on
     │   └─ ProgramNotRun      exit code 127: no such program in the service; 126: it cannot be run
     ├─ ServiceNotFound        no running service of that name, or several
     ├─ PredictionFailed       the service refused the rows
     │   ├─ RowsRefused        it refused some rows, and may answer the others
     │   └─ ServiceAway        it did not answer, or has too much to do: it may answer later
     ├─ CertificateUnusable    a certificate or its key cannot be used for TLS
     ├─ RunNotResumed          a run that was interrupted does not fit what is asked now
     ├─ UsageError             exit code 2: options that contradict each other
     └─ Interrupted            exit code 130: Ctrl-C
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class InferError(Exception):
    """A command of infer could not do its work.

    `message` says what happened, and to which thing. `hint`, if there is one, says what to do next. `detail`
    is text to show between the two, such as the end of a log or a list of choices.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None, detail: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail

    def as_dict(self) -> dict[str, object]:
        """The error as a JSON object, for scripts."""
        return {"message": self.message, "detail": self.detail, "hint": self.hint}


class ModelError(InferError):
    """The model file, or the folder that holds it, cannot be used."""


class ModelNotFound(ModelError):
    """The model folder does not exist, or it holds no model or several."""


class ModelUnreadable(ModelError):
    """The file is empty or truncated, or it is no model of a supported format."""


class ModelUnsafe(ModelError):
    """The file names code that is dangerous, or that is not on the allow-list."""


class InvalidImageName(InferError):
    """A tag breaks a rule of image names."""

    exit_code = 2


class LockFailed(InferError):
    """The packages cannot be resolved or fetched."""


class NothingFits(LockFailed):
    """No set of versions fits together, or a version has no wheel for this Python and processor."""


class Vulnerable(InferError):
    """Packages of the image have known vulnerabilities that the user wants no image with.

    `audit` is what is known of the packages, as a JSON object. If nothing could be learned, that is an error,
    too.
    """

    audit: Mapping[str, object] | None = None

    def as_dict(self) -> dict[str, object]:
        """The error as a JSON object, with what is known of the packages."""
        return {**super().as_dict(), "vulnerabilities": self.audit}


class EngineError(InferError):
    """The engine refused a request, or failed to carry it out."""


class EngineUnavailable(EngineError):
    """No engine answers, or the engine that answers is too old."""


class ImageNotFound(EngineError):
    """The engine does not have the image and cannot pull it."""


class BuildFailed(EngineError):
    """The engine could not build the image."""


class VerificationFailed(EngineError):
    """The service of a new image does not start, gives no answer, or gives an unexpected answer."""


class NotCompiled(EngineError):
    """The compiler does not support the model, or the compiled model gives other answers than the model."""


class PushFailed(EngineError):
    """The registry did not take the image."""


class PortTaken(EngineError):
    """Another program listens on the port."""


class NameTaken(EngineError):
    """Another container has the name."""


class ContainerFailed(EngineError):
    """The service did not start, or it ended by itself."""


class ModelRefused(EngineError):
    """A running service does not serve a model, and serves the one before on."""


class ProgramNotRun(EngineError):
    """The service has no such program (exit code 127), or cannot run it (126), as shells report the two."""

    exit_code = 127

    def __init__(self, message: str, *, hint: str | None = None, exists: bool = False) -> None:
        super().__init__(message, hint=hint)
        if exists:
            self.exit_code = 126


class ServiceNotFound(InferError):
    """No service has the name, or none was named and not exactly one is running."""


class PredictionFailed(InferError):
    """The service refused the rows, or did not answer."""


class RowsRefused(PredictionFailed):
    """The service refused some of the rows of a request, and made no predictions for the others either.

    `by_row` has the reason for each refused row that the answer names, by its position in the request. It is
    empty if the answer names none. `reason` is what the answer says as a whole.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        detail: str | None = None,
        reason: str = "",
        by_row: Mapping[int, str] | None = None,
    ) -> None:
        super().__init__(message, hint=hint, detail=detail)
        self.reason = reason or message
        self.by_row = dict(by_row or {})


class ServiceAway(PredictionFailed):
    """The service did not answer, or has too much to do; the same request may be answered later.

    `retry_after_s` is when the service itself wants to be asked again; None if it did not say.
    """

    retry_after_s: float | None = None


class CertificateUnusable(InferError):
    """A certificate or its key is missing, cannot be read, or does not fit the other."""


class RunNotResumed(InferError):
    """What an interrupted run left cannot be gone on with: its input, model or options were others."""


class UsageError(InferError):
    """The options contradict each other."""

    exit_code = 2


class Interrupted(InferError):
    """The user stopped the command, and infer removed everything that the command had begun."""

    exit_code = 130

    def __init__(self, message: str = "interrupted") -> None:
        super().__init__(message)


def with_article(name: str) -> str:
    """Give the name of a class with "a" or "an" before it, as it is spoken: an SVC, a Ridge, an OPTICS."""
    is_spelt = name[:2].isupper() and name[0] in "FHLMNRSX"
    return f"{'an' if is_spelt or name[:1].lower() in set('aeio') else 'a'} {name}"
