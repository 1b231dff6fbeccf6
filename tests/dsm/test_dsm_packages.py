import json

import pytest

from dsm.standin import ROOTFS, Nas

DOCKER = "/usr/local/bin/docker"
UNIT = "pkg-ContainerManager-dockerd"


@pytest.fixture
def installed(nas: Nas) -> Nas:
    nas.ok("synopkg", "install_from_server", "ContainerManager")
    return nas


def status(nas: Nas) -> tuple[int, str]:
    done = nas.run("synopkg", "status", "ContainerManager")
    return done.returncode, json.loads(done.stdout)["status"]


def test_a_package_that_is_not_installed(nas: Nas) -> None:
    assert status(nas) == (255, "non_installed")
    nas.refused("synopkg", "start", "ContainerManager")
    assert nas.run("synosystemctl", "get-active-status", UNIT).stdout == "inactive\n"


def test_an_installation_does_not_start_the_package(installed: Nas) -> None:
    assert status(installed) == (17, "stop")
    assert not installed.path(DOCKER).is_symlink()


def test_docker_is_on_its_usual_path_only_while_the_package_runs(installed: Nas) -> None:
    for _ in range(2):
        installed.ok("synopkg", "start", "ContainerManager")
        assert status(installed) == (0, "running")
        assert installed.path(DOCKER).readlink().as_posix() == "/var/packages/ContainerManager/target/usr/bin/docker"
        assert installed.ok("synosystemctl", "get-active-status", UNIT) == "active\n"
        installed.ok("synopkg", "stop", "ContainerManager")
        assert status(installed) == (17, "stop")
        assert not installed.path(DOCKER).is_symlink()
        assert installed.run("synosystemctl", "get-active-status", UNIT).stdout == "inactive\n"


def test_a_stopped_package_is_off_at_the_next_boot(installed: Nas) -> None:
    installed.ok("synopkg", "start", "ContainerManager")
    assert installed.ok("synosystemctl", "get-enable-status", UNIT + ".service") == "enabled\n"
    installed.ok("synopkg", "stop", "ContainerManager")
    assert "isn't turned on, status: [17]" in installed.refused("synopkg", "is_onoff", "ContainerManager")
    assert installed.run("synosystemctl", "get-enable-status", UNIT).stdout == "disabled\n"


def test_an_installation_of_what_is_there_fails_with_150(installed: Nas) -> None:
    assert installed.run("synopkg", "install_from_server", "ContainerManager").returncode == 150


def test_an_unknown_package_is_not_on_the_server(nas: Nas) -> None:
    nas.refused("synopkg", "install_from_server", "NoSuchPackage")
    nas.refused("synopkg", "install_from_server", "../etc")


def test_version_and_list(installed: Nas) -> None:
    version = installed.ok("synopkg", "version", "ContainerManager").strip()
    assert version.startswith("24.0.2-")
    assert f"ContainerManager-{version}: " in installed.ok("synopkg", "list")
    assert installed.ok("synopkg", "list", "--name") == "ContainerManager\n"


def test_an_unknown_unit(nas: Nas) -> None:
    nas.refused("synosystemctl", "restart", "nothing")
    assert nas.run("synosystemctl", "get-load-status", "nothing").stdout == "not-found\n"


def test_the_default_log_driver_is_not_json_file() -> None:
    place = ROOTFS / "usr/lib/dsm-standin/packages/ContainerManager/etc/dockerd.json"
    assert json.loads(place.read_text())["log-driver"] not in {"", "json-file"}


def test_webapi_answers_and_names_its_errors(installed: Nas) -> None:
    def ask(*arguments: str) -> dict[str, object]:
        answer: dict[str, object] = json.loads(installed.ok("synowebapi", "--exec", *arguments))
        return answer

    info = ask("api=SYNO.Core.System", "method=info", "version=1")
    assert info["success"] is True
    assert '"DS925+"' in json.dumps(info)
    package = ask("api=SYNO.Core.Package", "method=get", "version=1", 'id="ContainerManager"')
    assert '"stop"' in json.dumps(package)
    # Failures too end with 0: only the answer tells.
    for code, changed in (
        (102, ["api=SYNO.No.Such", "method=info", "version=1"]),
        (103, ["api=SYNO.Core.System", "method=nothing", "version=1"]),
        (104, ["api=SYNO.Core.System", "method=info", "version=99"]),
    ):
        answer = ask(*changed)
        assert answer["success"] is False
        assert answer["error"] == {"code": code}


def test_webapi_takes_only_json(nas: Nas) -> None:
    assert "not JSON" in nas.refused(
        "synowebapi", "--exec", "api=SYNO.Core.Package", "method=get", "version=1", "id=HyperBackup"
    )


def test_the_home_service_can_be_off(nas: Nas) -> None:
    nas.ok("dsm-home-service", "on")
    assert nas.path("/var/services/homes").is_dir()
    nas.ok("synowebapi", "--exec", "api=SYNO.Core.User.Home", "method=set", "version=1", "enable=false")
    assert not nas.path("/var/services/homes").exists()
    assert nas.path("/volume1/homes").is_dir()
    assert nas.ok("dsm-home-service", "status") == "off\n"


def test_keys_of_a_file(nas: Nas) -> None:
    assert nas.ok("synogetkeyvalue", "/etc.defaults/VERSION", "productversion") == "7.2.2\n"
    assert nas.ok("synogetkeyvalue", "/etc/synoinfo.conf", "no_such_key") == "\n"
