"""`infer serve`: the same service without a container, for development."""

from __future__ import annotations

from typing import Annotated

from infer_cli.certificates import read_pair
from infer_cli.errors import UsageError
from infer_cli.plan.run import DEFAULT_HOST_IP, DEFAULT_PORT, needs_tokens
from infer_cli.plan.settings import ALLOWED_HOSTS, CORS_ORIGINS, TLS_CERTIFICATE, TLS_KEY, environment_of
from infer_cli.plan.trust import parse_trust
from infer_cli.terminal import output
from infer_cli.terminal.options import (
    AllowedHosts,
    Auth,
    ClassLabels,
    CorsOrigins,
    Egress,
    FeatureNames,
    LogInputs,
    Member,
    ModelFile,
    ModelFolder,
    ModelPath,
    OptionalFeatures,
    OwnCodePaths,
    Settings,
    TlsCertificate,
    TlsKey,
    Tracing,
    Trust,
    Workers,
    host_option,
    port_option,
)
from infer_cli.terminal.progress import show_progress


def serve(  # noqa: PLR0913 (each is an option of the command)
    model: ModelPath = None,
    *,
    model_dir: ModelFolder = None,
    model_file: ModelFile = None,
    port: Annotated[int, port_option()] = DEFAULT_PORT,
    host: Annotated[str, host_option("The address to listen on.")] = DEFAULT_HOST_IP,
    workers: Workers = None,
    env: Settings = None,
    egress: Egress = False,
    auth: Auth = None,
    tls_cert: TlsCertificate = None,
    tls_key: TlsKey = None,
    allowed_host: AllowedHosts = None,
    cors_origin: CorsOrigins = None,
    log_inputs: LogInputs = None,
    code: OwnCodePaths = None,
    tracing: Tracing = False,
    trust: Trust = None,
    features: FeatureNames = None,
    optional: OptionalFeatures = None,
    classes: ClassLabels = None,
    member: Member = None,
) -> None:
    """Serve a model on this machine, without a container.

    This loads the model file, which runs code of the packages that the model uses. The packages have the
    same versions as in an image.

    On Linux the service confines itself before it loads the model, and says in its log what holds. It starts
    no program, makes no connection, writes only to a temporary folder of its own, and reads only the model,
    its packages and the system's files: no other file in your home. It gets no environment variables of yours
    but a few, such as PATH.

    Not confined: memory and processor time; the names and sizes of files; the command lines of processes. A
    folder that you name as the model is read as a whole. Before Linux 5.13 files are not confined, and before
    Linux 6.12 signals to your other processes are not. On macOS nothing is: use infer run there for a file
    that you did not make.
    """
    trusted = parse_trust(trust or ())
    lists = {ALLOWED_HOSTS: allowed_host, CORS_ORIGINS: cors_origin}
    environment = environment_of(env or [], workers, (), egress=egress, lists=lists, log_inputs=log_inputs)
    certificate = read_pair(tls_cert, tls_key)
    if certificate is not None:
        paths = map(str, (certificate.certificate.absolute(), certificate.key.absolute()))
        environment |= zip((TLS_CERTIFICATE, TLS_KEY), paths, strict=True)
    with show_progress() as progress:
        progress.stage(f"Inspecting {model or model_dir or 'the model'}")
        from infer_cli.building.naming import place_given  # noqa: PLC0415 (slow to import)
        from infer_cli.inspection import declared_by_options  # noqa: PLC0415
        from infer_cli.running.local_service import prepare_local_service  # noqa: PLC0415

        place = place_given(model, model_dir, model_file)
        if place is None:
            raise UsageError("no model is given", hint="name a file or a folder: `infer serve MODEL`")
        declared = declared_by_options(features=features, optional=optional, classes=classes, member=member)
        service = prepare_local_service(
            place.folder,
            place.file,
            host=host,
            port=port,
            workers=workers,
            trusted=trusted,
            code=code or (),
            tracing=tracing,
            environment=environment,
            reads_folder=not place.is_file,
            declared=declared,
            progress=progress,
        )
    scheme = "http" if certificate is None else "https"
    output.note(f"Serving {service.file} on {scheme}://localhost:{port} (Ctrl-C ends it)")
    if not needs_tokens(host, environment, wanted=auth):
        service.run()
    from infer_cli import tokens  # noqa: PLC0415 (keeps `infer --help` quick)

    access = tokens.make_sure(None)
    try:
        output.note(f"Token: {tokens.take_unshown(access)} (for this time; --no-auth asks for none)")
        service.with_tokens(tokens.shared_folder(access) / tokens.TOKENS_FILE).run()
    finally:
        tokens.forget(access)
