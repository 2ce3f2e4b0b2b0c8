"""The units that docs/deploy ships are ones that systemd takes, and name the program that there is."""

import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
DEPLOY = DOCS / "deploy"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here to ask")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in DEPLOY.iterdir():
        (tmp_path / unit.name).write_text(re.sub(r"/opt/huissier/bin/huissier", "/bin/true", unit.read_text()))
    units = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if str(tmp_path) in line]) == (0, [])


def test_every_service_is_hardened_drained_and_reloaded() -> None:
    services = list(DEPLOY.glob("*.service"))
    assert services
    for service in services:
        lines = service.read_text().splitlines()
        for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "Type=notify"):
            assert line in lines, (service.name, line)
        assert "StartLimitIntervalSec=0" in lines  # else it stays down after five attempts within ten seconds
        assert "ProcSubset=pid" not in lines  # prometheus_client reads /proc/stat
        assert any(line.startswith("ExecReload=") for line in lines)


def test_the_page_on_gateways_installs_the_program_where_the_services_look_for_it() -> None:
    page = (DOCS / "gateways.md").read_text()
    wheel = f"huissier-{version('huissier')}-py3-none-any.whl"
    programs = {re.findall(r"^ExecStart=(\S+)", unit.read_text(), re.MULTILINE)[0] for unit in DEPLOY.glob("*.service")}
    (folder,) = {program.removesuffix("/bin/huissier") for program in programs}
    assert f"# python3 -m venv {folder}\n# {folder}/bin/pip install dist/{wheel}\n" in page
