"""The two wheels: what each holds, that they work side by side, and what the commands say where only the first is installed."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDERS = {"package": "", "features": "features", "serving": "serving", "training": "training", "cli": "cli"}
"""Folders whose every file is in the base wheel, and the package of each."""
SECOND = ("simulation", "protocols")
BUILT_FROM = (*FOLDERS, "experiments", "pyproject.toml", "README.md", "LICENSE")
LEFT_BY_TOOLS = ("__pycache__", "build", "*.egg-info")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> dict[str, Path]:
    """Both wheels by distribution, built from a copy so that nothing old in `build/` gets in."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheels")
    for name in BUILT_FROM:
        path = REPOSITORY / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns(*LEFT_BY_TOOLS))
        else:
            shutil.copy(path, source / name)
    pip("wheel", "--no-deps", "--no-build-isolation", "-w", str(built), ".", "./experiments", cwd=source)
    return {path.name.split("-")[0]: path for path in built.glob("*.whl")}


@pytest.fixture(scope="module")
def base_only(wheels, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    pip("install", "--no-deps", "--target", str(folder), str(wheels["walletprint"]), cwd=folder)
    return folder


@pytest.fixture(scope="module")
def both(wheels, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("both")
    pip("install", "--no-deps", "--target", str(folder), *map(str, wheels.values()), cwd=folder)
    return folder


def pip(*arguments: str, cwd: Path) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-cache-dir", *arguments]
    subprocess.run(command, cwd=cwd, check=True)


def run(folder: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code from inside the checkout with the packages of `folder`; -S leaves out the editable install of the checkout."""
    libraries = [path for path in sys.path if path.endswith("-packages")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *libraries])}
    command = [sys.executable, "-S", "-c", code, *arguments]
    return subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True)


def files_below(folder: Path, package: str) -> set[str]:
    """The files of a folder as a wheel names them."""
    return {
        Path("walletprint", package, path.relative_to(folder)).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def content(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def test_the_base_wheel_holds_all_of_its_folders_and_of_the_experiments_two_files(wheels):
    expected = set().union(*(files_below(REPOSITORY / folder, package) for folder, package in FOLDERS.items()))
    expected |= {f"walletprint/experiments/{name}.py" for name in ("__init__", "runs", "case_picture")}
    assert content(wheels["walletprint"]) == expected


def test_the_second_wheel_holds_the_simulator_and_the_protocols_with_their_yaml(wheels):
    folders = {name: REPOSITORY / "experiments" / name for name in SECOND}
    expected = set().union(*(files_below(folder, f"experiments/{name}") for name, folder in folders.items()))
    assert content(wheels["walletprint_experiments"]) == expected
    assert "walletprint/experiments/simulation/people/habits.yaml" in expected


def test_the_second_needs_the_base_of_its_own_version(wheels):
    version = wheels["walletprint"].name.split("-")[1]
    assert wheels["walletprint_experiments"].name.split("-")[1] == version
    needs = tomllib.loads((REPOSITORY / "experiments" / "pyproject.toml").read_text())["project"]["dependencies"]
    assert f"walletprint[training]=={version}" in needs


@pytest.mark.parametrize("module", ["walletprint.serving", "walletprint.experiments.simulation"])
def test_both_installed_side_by_side_import_from_inside_the_checkout(both, module):
    result = run(both, f"import {module} as module; print(module.__file__)")
    assert result.returncode == 0, result.stderr
    assert Path(result.stdout.strip()).is_relative_to(both)


@pytest.mark.parametrize("arguments", [["simulate", "--out", "chain"], ["demo"], ["benchmark"]])
def test_without_the_second_its_commands_say_in_one_line_what_to_install(base_only, arguments):
    result = run(base_only, "from walletprint.cli import main; main()", *arguments)
    assert result.returncode == 2
    assert re.fullmatch(
        r"error: walletprint\.experiments\.\w+ is not installed; "
        r"pip install walletprint-experiments \(from a checkout: pip install \./experiments\)\n",
        result.stderr,
    )
    assert not result.stdout
