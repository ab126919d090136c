"""Options and arguments that several commands share: each option string is declared once.

An option is a type where its help is the same in every command. It is a function where the help, or the
default, differs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from infer_cli.image.base import BASE_IMAGE_VARIABLE, DEFAULT_PYTHON, official_base
from infer_cli.terminal.completion import complete_image, complete_running_service, complete_service

# The groups of options in the help.
_MODEL = "The model"
_IMAGE = "The image"
_SERVICE = "The service"

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, for scripts.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show the engine's full log.")]

# The model.
_MODEL_FOLDER = typer.Option(
    "--model-dir", rich_help_panel=_MODEL, metavar="DIR", help="The folder that holds the model."
)
ModelFolder = Annotated[Path | None, _MODEL_FOLDER]
ModelPath = Annotated[
    Path | None,
    typer.Argument(metavar="[MODEL]", help="A model file, or the folder that holds one.", show_default=False),
]
ModelFile = Annotated[
    str | None,
    typer.Option(
        "--model-file",
        rich_help_panel=_MODEL,
        metavar="NAME",
        help="The model in the folder, if it holds several.",
    ),
]
Trust = Annotated[
    list[str] | None,
    typer.Option(
        "--trust",
        rich_help_panel=_MODEL,
        metavar="MODULE",
        help="Let the model use this module of your own code; may be repeated.",
    ),
]

# What the user declares of the model, because the model does not say it itself.
FeatureNames = Annotated[
    str | None,
    typer.Option(
        "--features",
        rich_help_panel=_MODEL,
        metavar="NAMES",
        help="The model's columns in their order, if the model does not know them: a,b,c or a JSON list.",
    ),
]
OptionalFeatures = Annotated[
    str | None,
    typer.Option(
        "--optional",
        rich_help_panel=_MODEL,
        metavar="NAMES",
        help="Columns that a row may leave out, and that are then missing: a,b or a JSON list.",
    ),
]
ClassLabels = Annotated[
    str | None,
    typer.Option(
        "--classes",
        rich_help_panel=_MODEL,
        metavar="LABELS",
        help="The classes in the order of their probabilities, if the model does not know them: no,yes or a "
        "JSON list; 0,1 are numbers.",
    ),
]
Member = Annotated[
    str | None,
    typer.Option(
        "--member",
        rich_help_panel=_MODEL,
        metavar="NAME",
        help="The model in a file that holds several objects: a key or position.",
    ),
]

# The image, and the packages in it.
BaseImageName = Annotated[
    str | None,
    typer.Option(
        "--base-image",
        rich_help_panel=_IMAGE,
        metavar="IMAGE",
        envvar=BASE_IMAGE_VARIABLE,
        help=f"The image to start from.  [default: {official_base('X.Y')}]",
    ),
]
NoEnvironment = Annotated[
    bool,
    typer.Option(
        "--no-environment", rich_help_panel=_IMAGE, help="Take no versions from the current environment."
    ),
]
Platform = Annotated[
    str | None,
    typer.Option(
        "--platform",
        rich_help_panel=_IMAGE,
        metavar="OS/ARCH",
        help="linux/amd64 or linux/arm64.  [default: the engine's]",
    ),
]
AddedPackages = Annotated[
    list[str] | None,
    typer.Option(
        "--require",
        rich_help_panel=_IMAGE,
        metavar="PACKAGE",
        help="Add a package, for example 'pandas>=2'; may be repeated.",
    ),
]
Tracing = Annotated[
    bool,
    typer.Option(
        "--tracing",
        rich_help_panel=_IMAGE,
        help="Add OpenTelemetry's packages, so that the service can send traces.",
    ),
]
FailOn = Annotated[
    Literal["low", "medium", "high", "critical"] | None,
    typer.Option(
        "--fail-on",
        rich_help_panel=_IMAGE,
        metavar="SEVERITY",
        help="Make no image with a known vulnerability of this severity or a worse one: low, medium, high or "
        "critical.",
    ),
]
Accepted = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        rich_help_panel=_IMAGE,
        metavar="ID",
        help="With --fail-on, accept this vulnerability, by its id or CVE; may be repeated.",
    ),
]
OwnCodePaths = Annotated[
    list[Path] | None,
    typer.Option(
        "--code",
        rich_help_panel=_MODEL,
        metavar="DIR",
        help="Add your own code that the model needs; may be repeated.",
        exists=True,
    ),
]

# The service.
AnyService = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME]",
        help="The service; may be left out while only one is running.",
        autocompletion=complete_service,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        rich_help_panel=_SERVICE,
        metavar="N",
        min=1,
        help="Worker processes.  [default: one per processor]",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--env",
        "-e",
        rich_help_panel=_SERVICE,
        metavar="NAME=VALUE",
        help="A setting of the service; may be repeated.",
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        rich_help_panel=_SERVICE,
        metavar="SIZE",
        help="At most this much memory, for example 512m.",
    ),
]
Processors = Annotated[
    float | None,
    typer.Option(
        "--cpus", rich_help_panel=_SERVICE, metavar="N", min=0.01, help="At most this many processors."
    ),
]
RestartPolicy = Annotated[
    str | None,
    typer.Option(
        "--restart",
        rich_help_panel=_SERVICE,
        metavar="WHEN",
        help="When the engine starts it again: no, on-failure (of a service that runs in the background), "
        "always, unless-stopped.",
    ),
]
UserId = Annotated[
    str | None,
    typer.Option(
        "--user", rich_help_panel=_SERVICE, metavar="UID[:GID]", help="Run as this user.  [default: not root]"
    ),
]
Egress = Annotated[
    bool,
    typer.Option(
        "--egress",
        rich_help_panel=_SERVICE,
        help="Let the service connect to other programs, such as a database.",
    ),
]
LogInputs = Annotated[
    float | None,
    typer.Option(
        "--log-inputs",
        rich_help_panel=_SERVICE,
        metavar="SHARE",
        min=0,
        max=1,
        help="Write rows and predictions of this share of the requests into the log; 1 is all.",
    ),
]
Auth = Annotated[
    bool | None,
    typer.Option(
        "--auth/--no-auth",
        rich_help_panel=_SERVICE,
        help="Answer only with a token.  [default: yes, unless only this machine reaches it]",
    ),
]
TlsCertificate = Annotated[
    Path | None,
    typer.Option(
        "--tls-cert",
        rich_help_panel=_SERVICE,
        metavar="FILE",
        help="Speak TLS with this certificate, and those that follow it in the file (PEM).",
    ),
]
TlsKey = Annotated[
    Path | None,
    typer.Option(
        "--tls-key", rich_help_panel=_SERVICE, metavar="FILE", help="The key of that certificate (PEM)."
    ),
]
CorsOrigins = Annotated[
    list[str] | None,
    typer.Option(
        "--cors-origin",
        rich_help_panel=_SERVICE,
        metavar="ORIGIN",
        help="Let pages of this site read answers, such as https://app.example; may be repeated.",
    ),
]
AllowedHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--allowed-host",
        rich_help_panel=_SERVICE,
        metavar="NAME",
        help="Answer to this host name, too, such as that of a proxy; may be repeated.",
    ),
]


def timeout_option(help_text: str, *, panel: str = _SERVICE) -> object:
    """`--timeout`: how long to wait."""
    return typer.Option("--timeout", rich_help_panel=panel, metavar="SECONDS", help=help_text)


ReadyTimeout = Annotated[float, timeout_option("How long to wait until the service is ready.")]
Replace = Annotated[
    bool,
    typer.Option(
        "--replace",
        rich_help_panel=_SERVICE,
        help="Put the service in the place of one of the same name, which stays if the new one is not ready.",
    ),
]
ServiceName = Annotated[
    str | None,
    typer.Option(
        "--name",
        rich_help_panel=_SERVICE,
        metavar="NAME",
        help="The name of the service.  [default: the image's name]",
    ),
]
ImageTag = Annotated[
    str,
    typer.Argument(metavar="TAG", help="The image, as NAME:TAG.", autocompletion=complete_image),
]

# Rows for a service.
BatchRows = Annotated[int, typer.Option("--batch", metavar="N", min=1, help="Rows in one request.")]
MissingColumns = Annotated[
    list[str] | None,
    typer.Option(
        "--missing-columns",
        metavar="A,B",
        help="Features that the rows do not have: predict with missing values in their place.",
    ),
]


def input_option(help_text: str, *, panel: str | None = None) -> object:
    """`--input`: the file of rows."""
    return typer.Option("--input", "-i", metavar="FILE", rich_help_panel=panel, help=help_text)


def service_words(*, metavar: str, help_text: str) -> object:
    """The argument of a command that takes a running service and then other words."""
    return typer.Argument(metavar=metavar, help=help_text, autocompletion=complete_running_service)


def tag_option(help_text: str) -> object:
    """`--tag`: the name of an image that the command makes."""
    return typer.Option("--tag", "-t", rich_help_panel=_IMAGE, metavar="NAME[:TAG]", help=help_text)


def python_option(help_text: str = f"The Python of the image.  [default: {DEFAULT_PYTHON}]") -> object:
    """`--python`: the Python version of an image."""
    return typer.Option("--python", rich_help_panel=_IMAGE, metavar="X.Y", help=help_text)


def examples_option(help_text: str) -> object:
    """`--examples`: a file of rows to ask the built service."""
    return typer.Option("--examples", metavar="FILE", help=help_text, exists=True)


def output_option(help_text: str) -> object:
    """`--output`: the file that the command writes."""
    return typer.Option("--output", "-o", metavar="FILE", help=help_text)


def port_option(help_text: str = "The port on this machine.") -> object:
    """`--port`: where the service listens."""
    return typer.Option(
        "--port", "-p", rich_help_panel=_SERVICE, metavar="PORT", min=1, max=65535, help=help_text
    )


def host_option(help_text: str) -> object:
    """`--host`: the address that the service listens on."""
    return typer.Option("--host", rich_help_panel=_SERVICE, metavar="IP", help=help_text)
