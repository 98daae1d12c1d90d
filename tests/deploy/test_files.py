"""The files of a deployment name real parts, real settings and one version. No container is started here."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app import __version__
from app.cli.commands import cli
from app.settings import Group, Settings, as_environment

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
FILES = [
    ROOT / "Dockerfile",
    ROOT / "docker-compose.yml",
    *sorted((ROOT / "deploy").rglob("*.yaml")),
    ROOT / "deploy" / "env.example",
    ROOT / "deploy" / "README.md",
]
OF_COMMANDS = {"TRIREME_CONFIG", "TRIREME_INIT_USERNAME", "TRIREME_INIT_PASSWORD"}
"""Read by commands, not by the settings."""
PARTS = {"api", "delivery", "worker", "scheduler", "outbox", "intake", "submission", "sandbox"}
OURS = f"trireme:{__version__}"

Yaml = dict[str, Any]


def documents(path: Path) -> list[Yaml]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def compose() -> Yaml:
    return documents(ROOT / "docker-compose.yml")[0]


def our_services() -> dict[str, Yaml]:
    return {name: service for name, service in compose()["services"].items() if service["image"] == OURS}


def workloads() -> dict[str, Yaml]:
    """Return the pod of every Deployment and Job of the base, by name."""
    listed = documents(KUBERNETES / "kustomization.yaml")[0]["resources"]
    objects = [document for name in listed for document in documents(KUBERNETES / name)]
    return {
        object_["metadata"]["name"]: object_["spec"]["template"]["spec"]
        for object_ in objects
        if object_["kind"] in {"Deployment", "Job"}
    }


def known_settings() -> set[str]:
    names: list[str] = []
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Group):
            names.extend(f"{name}.{key}" for key in kind.model_fields)
        else:
            names.append(name)
    return {variable for name in names for variable in as_environment({name: ""})}


def commands() -> set[str]:
    return {command.callback.__name__ for command in cli.registered_commands if command.callback}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_variable_is_a_setting(path: Path) -> None:
    used = set(re.findall(r"TRIREME_[A-Z_]+", path.read_text()))
    assert used <= known_settings() | OF_COMMANDS


def test_compose_runs_every_part_by_its_command() -> None:
    services = our_services()
    assert set(services) == PARTS | {"migrate"}
    assert {name: service["command"] for name, service in services.items()} == {name: [name] for name in services}
    assert set(services) <= commands()


def test_kubernetes_runs_every_part_by_its_command() -> None:
    arguments = {name: pod["containers"][0]["args"] for name, pod in workloads().items()}
    assert arguments == {f"trireme-{part}": [part] for part in PARTS | {"migrate"}}


def test_health_checks_call_the_command() -> None:
    checks = re.findall(r"^HEALTHCHECK .* CMD (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert checks == ['["trireme", "health"]']
    assert our_services()["api"]["healthcheck"]["test"] == ["CMD", "trireme", "health"]
    assert "health" in commands()
    for name in PARTS - {"api", "intake", "submission", "sandbox"}:
        assert our_services()[name]["healthcheck"] == {"disable": True}, "the image's own check asks the api"


def test_our_containers_have_no_rights() -> None:
    for service in our_services().values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["tmpfs"] == ["/tmp"]  # noqa: S108 the one in the container
        assert int(service["stop_grace_period"].removesuffix("s")) >= 20


def test_the_image_is_not_run_as_root() -> None:
    user = re.findall(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert user == [("10001", "10001")]
    pod = documents(KUBERNETES / "part.yaml")[0]["spec"]["template"]["spec"]
    security = pod["securityContext"]
    assert (str(security["runAsUser"]), str(security["runAsGroup"])) == user[0]
    assert security["runAsNonRoot"] is True
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_services_do_not_overwrite_settings() -> None:
    # A Service trireme-api would put TRIREME_API_PORT=tcp://... into every pod.
    pod = documents(KUBERNETES / "part.yaml")[0]["spec"]["template"]["spec"]
    assert pod["enableServiceLinks"] is False


def test_the_common_patch_reaches_every_container() -> None:
    common = documents(KUBERNETES / "part.yaml")[0]["spec"]["template"]["spec"]["containers"][0]["name"]
    for pod in workloads().values():
        assert [container["name"] for container in pod["containers"]] == [common]


def test_journals_outlive_their_container() -> None:
    mounts = workloads()["trireme-delivery"]["containers"][0]["volumeMounts"]
    data = re.findall(r"TRIREME_DATA_DIR=(\S+)", (ROOT / "Dockerfile").read_text())
    assert [mount["mountPath"] for mount in mounts] == data
    assert our_services()["delivery"]["volumes"] == [f"data:{data[0]}"]


def test_the_kustomization_lists_every_file() -> None:
    kustomization = documents(KUBERNETES / "kustomization.yaml")[0]
    listed = [*kustomization["resources"], *(patch["path"] for patch in kustomization["patches"])]
    assert sorted([*listed, "kustomization.yaml"]) == sorted(path.name for path in KUBERNETES.iterdir())


def test_images_are_pinned() -> None:
    images = [service["image"] for service in compose()["services"].values()]
    pod = documents(KUBERNETES / "part.yaml")[0]["spec"]["template"]["spec"]
    images.append(pod["containers"][0]["image"])
    images.extend(re.findall(r"^ARG BASE_IMAGE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    for image in images:
        name, _, tag = image.partition(":")
        assert name
        assert re.match(r"\d+\.\d+", tag), image
        assert name != "trireme" or tag == __version__


def test_secrets_have_no_usable_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("TRIREME_SECRET_KEYS", "POSTGRES_PASSWORD"):
        assert set(re.findall(rf"\$\{{{name}(..)", text)) == {":?"}
    keys = documents(KUBERNETES / "secrets.yaml")[0]["stringData"]["TRIREME_SECRET_KEYS"]
    with pytest.raises(ValueError, match="32 characters"):
        Settings(
            secret_keys=[keys], public_url="http://x", bounce_domain="x", database_url="postgresql://x", broker_url="x"
        )
