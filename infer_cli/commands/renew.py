"""`infer renew`: a renewed certificate for a service."""

from __future__ import annotations

from infer_cli.certificates import read_pair
from infer_cli.errors import UsageError
from infer_cli.terminal import output
from infer_cli.terminal.options import AnyService, AsJson, ReadyTimeout, TlsCertificate, TlsKey
from infer_cli.terminal.progress import show_progress


def renew(
    name: AnyService = None,
    *,
    tls_cert: TlsCertificate = None,
    tls_key: TlsKey = None,
    timeout: ReadyTimeout = 120,
    as_json: AsJson = False,
) -> None:
    """Give a service its renewed certificate, without a restart.

    The service replaces its workers one by one, and no request fails. The command returns when every worker
    has the new certificate; it suits the hook of a program that renews certificates.
    """
    pair = read_pair(tls_cert, tls_key)
    if pair is None:
        raise UsageError(
            "no certificate is given", hint="name it with --tls-cert, and its key with --tls-key"
        )
    with show_progress() as progress:
        progress.stage(f"Looking for {name or 'the service'}")
        from infer_cli.engine.connection import connect  # noqa: PLC0415 (keeps `infer --help` quick)
        from infer_cli.engine.services import find_service  # noqa: PLC0415
        from infer_cli.running.renewal import renew_certificate  # noqa: PLC0415

        engine = connect()
        service = find_service(engine, name)
        progress.stage(f"Waiting until {service.name} has the certificate")
        renew_certificate(engine, service, pair, timeout_s=timeout)
    text = f"{service.name} has the certificate {pair.certificate}"
    output.show(text, {"name": service.name, "certificate": str(pair.certificate)}, as_json=as_json)
