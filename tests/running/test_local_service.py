from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from infer_cli.errors import ContainerFailed, Interrupted, ModelUnsafe, PortTaken
from infer_cli.running import local_service
from infer_cli.running.local_service import LocalService, passed_on, prepare_local_service
from infer_cli.terminal.progress import PlainProgress

PROGRESS = PlainProgress(verbose=False)
DEADLINE_S = 30


def service_of(folder: Path, program: str) -> LocalService:
    """A service whose code is `program`."""
    (folder / "service").mkdir()
    (folder / "service" / "__init__.py").touch()
    (folder / "service" / "__main__.py").write_text(program)
    settings = {"PYTHONPATH": str(folder), "MODEL_FILE": str(folder / "model.pkl")}
    return LocalService(Path(sys.executable), folder / "model.pkl", settings)


def test_a_service_that_ends_by_itself_is_an_error(tmp_path: Path) -> None:
    service = service_of(tmp_path, "import os, sys; sys.exit(3 if os.environ['MODEL_FILE'] else 4)")

    with pytest.raises(ContainerFailed, match=r"^the service ended by itself \(exit code 3\)$"):
        service.run()


def test_what_the_service_says_of_its_end_is_the_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = (
        "import sys; print('reading', file=sys.stderr); sys.exit('error: cannot load m.pkl: it is empty.')"
    )
    service = service_of(tmp_path, program)

    with pytest.raises(
        ContainerFailed, match=r"^the service ended by itself: cannot load m.pkl: it is empty.$"
    ):
        service.run()

    assert capsys.readouterr().err == "reading\n"


def test_a_service_that_a_signal_ended_says_which(tmp_path: Path) -> None:
    service = service_of(tmp_path, "import os; os.abort()")

    with pytest.raises(ContainerFailed, match=r"^the service ended by itself \(it was ended by SIGABRT\)$"):
        service.run()


def test_an_interrupt_ends_the_process(tmp_path: Path) -> None:
    service = service_of(
        tmp_path, "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(60)"
    )
    pid = tmp_path / "pid"

    def interrupt() -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not (pid.exists() and pid.read_text()) and time.monotonic() < deadline:
            time.sleep(0.01)
        if pid.exists():
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(Interrupted):
        service.run()
    thread.join()

    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_a_model_gets_an_environment_and_settings(monkeypatch: pytest.MonkeyPatch, iris_folder: Path) -> None:
    asked: list[tuple[str, ...]] = []

    def make(requirements: tuple[str, ...]) -> Path:
        asked.append(requirements)
        return Path("/env/bin/python")

    monkeypatch.setattr(local_service, "local_environment", make)
    monkeypatch.setattr(local_service, "require_port", lambda *_: None)

    service = prepare_local_service(
        iris_folder, None, host="127.0.0.1", port=5001, workers=3, trusted=("mine",), progress=PROGRESS
    )

    assert service.python == Path("/env/bin/python")
    assert service.file == iris_folder / "model.pkl"
    assert any(requirement.startswith("scikit-learn==") for requirement in asked[0])
    shown = {name: service.settings[name] for name in ("HOST", "PORT", "WORKERS", "TRUST")}
    assert shown == {"HOST": "127.0.0.1", "PORT": "5001", "WORKERS": "3", "TRUST": "mine"}


def test_model_and_port_are_checked_before_packages_are_fetched(
    monkeypatch: pytest.MonkeyPatch, iris_folder: Path, unsafe_folder: Path
) -> None:
    def refuse(_: str, port: int) -> None:
        raise PortTaken(f"port {port} is taken")

    monkeypatch.setattr(local_service, "local_environment", pytest.fail)
    monkeypatch.setattr(local_service, "require_port", refuse)

    for folder, error in ((unsafe_folder, ModelUnsafe), (iris_folder, PortTaken)):
        with pytest.raises(error):
            prepare_local_service(
                folder, None, host="127.0.0.1", port=5001, workers=None, trusted=(), progress=PROGRESS
            )


def test_a_saved_folder_brings_its_code_and_versions(
    monkeypatch: pytest.MonkeyPatch, saved_iris: Path
) -> None:
    asked: list[tuple[str, ...]] = []

    def make(requirements: tuple[str, ...]) -> Path:
        asked.append(requirements)
        return Path("/env/bin/python")

    monkeypatch.setattr(local_service, "local_environment", make)
    monkeypatch.setattr(local_service, "require_port", lambda *_: None)

    service = prepare_local_service(
        saved_iris, None, host="127.0.0.1", port=5001, workers=None, trusted=(), progress=PROGRESS
    )

    assert service.settings["TRUST"] == "own_code"
    _, code = service.settings["PYTHONPATH"].split(os.pathsep)
    assert [file.name for file in Path(code).glob("*.py")] == ["own_code.py"]
    assert "numpy==2.0.1" in asked[0]
    assert "polars==1.2.3" in asked[0]


def test_few_variables_reach_the_service() -> None:
    ours = {"HOME": "/home/ada", "PATH": "/usr/bin", "LC_ALL": "C.UTF-8", "LOG_FORMAT": "json", "TZ": "UTC"}
    # Secrets, what would run code, and settings that give rights: those are options of infer serve.
    others = (
        "AWS_SECRET_ACCESS_KEY",
        "PYTHONSTARTUP",
        "LD_PRELOAD",
        "ALLOWED_HOSTS",
        "EGRESS",
        "PROGRAMS",
        "FILES",
        "READS",
        "TRUST",
    )

    assert passed_on({**ours, **dict.fromkeys(others, "1")}) == ours


def test_settings_of_the_service_that_give_no_rights_reach_it() -> None:
    source = (Path(local_service.__file__).parents[2] / "service" / "settings.py").read_text()
    settings = set(re.findall(r'reader\.\w+\(\s*"([A-Z_]+)"', source))
    rights = {"ALLOWED_HOSTS", "TOKENS_FILE", "EGRESS", "PROGRAMS", "FILES", "READS", "SCRATCH", "TRUST"}
    rights |= {"CORS_ORIGINS", "TLS_CERTIFICATE", "TLS_KEY"}
    # infer serve has options for these, or knows them. What clients send is logged only if it is told so.
    known = {"MODEL_FILE", "PORT", "HOST", "LOG_INPUTS"}

    assert len(settings) > 10
    assert set(passed_on(dict.fromkeys(settings, "1"))) == settings - rights - known


def test_own_code_comes_without_the_rest_of_its_folder(
    monkeypatch: pytest.MonkeyPatch, iris_folder: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(local_service, "local_environment", lambda _: Path("/env/bin/python"))
    monkeypatch.setattr(local_service, "require_port", lambda *_: None)
    monkeypatch.setenv("INFER_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "own.py").write_text("import pandas\n")
    (tmp_path / "json.py").write_text("raise SystemExit\n")

    service = prepare_local_service(
        iris_folder,
        "model.pkl",
        host="127.0.0.1",
        port=5001,
        workers=None,
        trusted=(),
        code=(tmp_path / "own.py",),
        environment={"READS": "/lookups"},
        progress=PROGRESS,
    )

    _, code = service.settings["PYTHONPATH"].split(os.pathsep)
    assert [file.name for file in Path(code).glob("*.py")] == ["own.py"]
    assert service.settings["TRUST"] == "own"
    assert (service.settings["FILES"], service.settings["READS"]) == ("own", "/lookups")


def test_modules_beside_the_model_are_not_imported(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "json.py").write_text("raise SystemExit(5)")
    service = service_of(tmp_path, "import json, sys; sys.exit(3)")

    with pytest.raises(ContainerFailed, match="exit code 3"):
        replace(service, file=tmp_path / "models" / "model.pkl").run()


@pytest.fixture
def saved_iris(tmp_path: Path, iris_folder: Path) -> Path:
    """The model folder of iris with what infer_cli.save writes of versions and own code."""
    folder = tmp_path.resolve() / "saved"
    shutil.copytree(iris_folder, folder)
    (folder / "code").mkdir()
    (folder / "code" / "own_code.py").touch()
    saved = {"code": "code", "packages": {"numpy": "2.0.1", "polars": "1.2.3"}, "requires": ["polars"]}
    (folder / "infer.json").write_text(json.dumps({"saved": saved}))
    return folder
