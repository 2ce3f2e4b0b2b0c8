"""One import name and nothing else lands in anybody's site-packages."""

from importlib.metadata import distribution, version
from pathlib import Path
from subprocess import run
from zipfile import ZipFile

import huissier

ROOT = Path(__file__).parents[1]


def test_the_wheel_brings_exactly_one_import_name(tmp_path: Path) -> None:
    run(["uv", "build", "--wheel", "--quiet", "--out-dir", tmp_path, ROOT], check=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    names = ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"huissier", f"huissier-{version('huissier')}.dist-info"}
    for part in (
        "__init__.py",
        "py.typed",
        "domain/rules.py",
        "adapters/deciding/engine.py",
        "projections/__init__.py",
    ):
        assert f"huissier/{part}" in names
    real = {str(path.relative_to(ROOT)) for folder in ("domain", "adapters") for path in (ROOT / folder).rglob("*.py")}
    assert real == {
        name.removeprefix("huissier/")
        for name in names
        if name.endswith(".py") and name.split("/")[1] in ("domain", "adapters")
    }


def test_everything_the_package_promises_is_there() -> None:
    for name in huissier.__all__:
        assert getattr(huissier, name) is not None
    assert not hasattr(huissier, "no_such_name")
    assert distribution("huissier").metadata["License-Expression"] == "Apache-2.0"
