"""Engines and services that are known, and not connected."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from infer_cli.engine.connection import Engine
from infer_cli.engine.endpoints import Endpoint
from infer_cli.engine.services import Service

if TYPE_CHECKING:
    from docker import APIClient

HERE = "unix:///var/run/docker.sock"
TUNNEL = "tcp://localhost:2375"
THERE = "ssh://ada@big.example"


def make_engine(url: str) -> Engine:
    """An engine that is known, and not connected."""
    return Engine(cast("APIClient", None), Endpoint(url, "a test"), "20.10.24", "1.41", "amd64")


def make_service(host_ip: str | None, host_port: int | None, state: str = "running") -> Service:
    return Service(
        name="iris",
        container_id="0",
        image="iris:v1",
        state=state,
        health=None,
        exit_code=0,
        restart_count=0,
        started_at=None,
        host_ip=host_ip,
        host_port=host_port,
        model=None,
    )
