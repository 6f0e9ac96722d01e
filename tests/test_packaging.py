"""The container files keep their promises: healthy, unprivileged, without secrets; and requirements are exact."""

import re
import tomllib
from importlib import metadata
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from collab_server import app
from tests.require import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def pins(file: str) -> dict[str, str]:
    """Package, as an index normalises its name -> the line that pins it."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / file).read_text().splitlines())
    return {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower(): line for line in lines if line and line[0] != "-"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_unprivileged_and_tells_whether_it_is_well(name: str) -> None:
    service = SERVICES[name]
    assert service["user"] not in ("", "root", "0", "0:0")
    assert "no-new-privileges:true" in service["security_opt"]
    if service.get("restart") == "no":  # its exit status tells
        return
    assert {"test", "interval", "timeout", "retries"} <= service["healthcheck"].keys()


def test_no_secret_has_a_value_or_a_default() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|AUTH|KEY", variable):
                assert re.fullmatch(r"\$\{\w+:\?\}", value), f"{name}: {variable}"
            else:
                assert not re.search(r"//[^/@]*:[^/@]+@", re.sub(r"\$\{\w+:\?\}", "", str(value))), (
                    f"{name}: {variable}"
                )


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_limits_and_cannot_write_to_its_image(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    for limit in ("mem_limit", "cpus", "pids_limit"):
        assert service[limit], limit
    if name in ("server", "server-2", "proxy"):
        assert service["ulimits"]["nofile"]["soft"] >= 32_768


def test_images_are_named_by_exact_version() -> None:
    images = [service["image"] for service in SERVICES.values() if "build" not in service]
    images += re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(images) >= 4
    for image in images:
        assert re.fullmatch(r"[\w./-]+:\d+\.\d+(\.\d+)?(-[\w.-]+)?(@sha256:[0-9a-f]{64})?", image), image


def test_the_server_has_a_role_and_a_password_of_its_own() -> None:
    owner, server = SERVICES["postgres"]["environment"], SERVICES["server"]["environment"]
    used = re.match(r"postgresql://(\w+):(\$\{\w+:\?\})@", server["COLLAB_DATABASE_URL"])
    assert used is not None and used[1] not in (owner["POSTGRES_USER"], "postgres")
    assert used[2] == "${COLLAB_DB_PASSWORD:?}"
    assert "POSTGRES_PASSWORD" not in str(server), "the server does not know its owner's password"
    of_owner = SERVICES["migrate"]["environment"]["COLLAB_OWNER_URL"]
    assert of_owner.startswith(f"postgresql://{owner['POSTGRES_USER']}:{owner['POSTGRES_PASSWORD']}@")
    assert SERVICES["migrate"]["environment"]["COLLAB_DATABASE_URL"] == server["COLLAB_DATABASE_URL"]


def test_the_readme_leads_to_the_security_policy() -> None:
    policy = (ROOT / "SECURITY.md").read_text().lower()
    assert "SECURITY.md" in (ROOT / "README.md").read_text()
    for subject in (
        "report",
        "supported versions",
        "guests",
        "proxies",
        "redis",
        "database",
        "workers",
        "embedded",
        "loopback",
    ):
        assert subject in policy, subject


def test_the_server_starts_after_its_database_is_migrated() -> None:
    assert SERVICES["migrate"]["command"] == ["migrate", "up"]
    assert SERVICES["server"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"


def test_the_image_runs_as_an_account_of_its_own_and_takes_signals_itself() -> None:
    users = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert users and all(int(user.split(":")[0]) > 0 for user in users)
    for instruction in ("ENTRYPOINT", "CMD"):
        forms = re.findall(rf"^\s*{instruction} (.+)$", DOCKERFILE, re.MULTILINE)
        assert forms and all(form.startswith("[") for form in forms), "a shell in between would swallow SIGTERM"
    assert "HEALTHCHECK" in DOCKERFILE


def test_an_installed_package_has_every_page() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["static/dist"] == "collab_server/_static"
    served = set(app._PAGES.values()) | {"docs", "missing"}
    assert {page.stem for page in app.STATIC.glob("pages/*.html")} == served


def test_what_the_image_copies_is_not_ignored() -> None:
    allowed = {line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"}
    copied = re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.MULTILINE)
    assert {path.rstrip("/") for path in copied} == allowed
    assert all((ROOT / path).exists() for path in copied)


def test_every_requirement_is_pinned_once_and_the_package_asks_for_nothing_else() -> None:
    runtime, development = pins("requirements.txt"), pins("requirements-dev.txt")
    for line in (*runtime.values(), *development.values()):
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*(; .+)?", line), line
    assert not runtime.keys() & development.keys()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {canonicalize_name(Requirement(each).name) for each in project["dependencies"]}
    for extra in project["optional-dependencies"].values():
        wanted |= {canonicalize_name(Requirement(each).name) for each in extra}
    assert wanted <= runtime.keys()


def hashed(file: str) -> dict[str, tuple[str, int]]:
    """Package, as an index normalises its name -> (the pin, how many files of it have a hash)."""
    entries = re.split(r"\n(?! )", (ROOT / file).read_text().replace("\\\n", " \n").strip())
    found = {}
    for entry in entries:
        pin = " ".join(entry.partition("--hash")[0].split())
        name = re.sub(r"[-_.]+", "-", pin.split("==")[0]).lower()
        found[name] = (pin.replace(" ;", ";"), len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry)))
    return found


def test_packages_of_the_documentation_have_the_versions_of_the_others() -> None:
    """They are installed into the same environment."""
    others = pins("requirements.txt") | pins("requirements-dev.txt")
    documentation = pins("requirements-docs.txt")
    assert {name: others[name] for name in documentation.keys() & others.keys()}.items() <= documentation.items()


@pytest.mark.parametrize("name", ["requirements", "requirements-dev", "requirements-docs"])
def test_what_is_installed_has_hashes_and_the_versions_that_are_pinned(name: str) -> None:
    pinned = pins("requirements-docs.txt" if name == "requirements-docs" else "requirements.txt")
    pinned |= pins("requirements-dev.txt") if name == "requirements-dev" else {}
    locked = hashed(f"{name}.lock")
    assert locked.keys() == pinned.keys(), "run `make lock`"
    for package, (pin, files) in locked.items():
        assert pin.split("==")[1] == pinned[package].split("==")[1], "run `make lock`"
        assert files >= 1, package
    assert "://" not in (ROOT / f"{name}.lock").read_text()


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_every_package_that_a_pin_needs_is_pinned_on_every_python(python: str, system: str) -> None:
    """pip refuses to install what has no hash."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": system,
        "platform_system": system.capitalize(),
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "platform_machine": "arm64" if system == "darwin" else "x86_64",
        "extra": "",
    }
    pinned = pins("requirements.txt")
    for name in pinned:
        for line in metadata.requires(name) or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate(environment):
                assert canonicalize_name(needed.name) in pinned, f"{name} needs {line}"
