"""The house: imports run one way, folders and files stay small, the base install stays light."""

import ast
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from walletprint.features.base import kernel_compiler

REPOSITORY = Path(__file__).resolve().parent.parent
PARTS = ["features", "serving", "training", "experiments", "cli"]
EXTRAS = {"sklearn", "mlflow", "matplotlib", "optuna", "pyspark"}
MOST_FILES, MOST_LINES = 14, 420


def sources(*parts: str) -> list[Path]:
    return sorted(path for part in parts for path in (REPOSITORY / part).rglob("*.py") if ".venv" not in path.parts)


@pytest.fixture
def house(tmp_path) -> Path:
    """The package as one tree, as an import finds it: import-linter reads folders, not an editable install."""
    root = tmp_path / "walletprint"
    root.mkdir()
    shutil.copy(REPOSITORY / "package" / "__init__.py", root)
    for part in PARTS:
        shutil.copytree(REPOSITORY / part, root / part, ignore=shutil.ignore_patterns("results", "__pycache__"))
    return root


def broken_rules(house: Path) -> tuple[int, str]:
    words = ["-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    done = subprocess.run(
        [sys.executable, *words, "--config", str(REPOSITORY / "pyproject.toml")],
        cwd=house.parent,
        env={"PYTHONPATH": str(house.parent), "PATH": ""},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def test_imports_run_one_way(house):
    code, said = broken_rules(house)
    assert code == 0, said


def test_an_import_upwards_or_in_a_circle_is_found(house):
    with (house / "features" / "base" / "periods.py").open("a") as file:
        file.write("\nfrom ..ledger import ledger\n")
    with (house / "training" / "config" / "sections.py").open("a") as file:
        file.write("\nfrom . import cross_checks\n")
    code, said = broken_rules(house)
    assert code == 1
    assert "the folders of features BROKEN" in said
    assert "no circle between files, in any folder BROKEN" in said


def test_inside_the_package_imports_are_relative():
    wrong = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        for path in sources(*PARTS)
        if path != REPOSITORY / "serving" / "pyfunc.py"  # MLflow runs it as a script, which knows no package
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "walletprint"
    ]
    assert not wrong


@pytest.mark.parametrize("module", ["walletprint.features.extraction.extractor", "walletprint.serving.scoring.scorer"])
def test_importing_the_scorer_loads_no_training_code(module):
    loaded = loaded_by(f"import {module}")
    assert module in loaded
    assert not {name.split(".")[0] for name in loaded} & EXTRAS
    assert not [name for name in loaded if name.startswith("walletprint.training")]


def loaded_by(code: str) -> list[str]:
    code = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


def test_a_front_door_loads_nothing_until_it_is_used():
    loaded = loaded_by("import walletprint.features, walletprint.serving, walletprint.training")
    assert not {"numba", "pandas", "pyarrow", "duckdb"} & set(loaded)


@pytest.mark.parametrize("command", ["", "score"])
def test_help_loads_nothing_heavy(command):
    words = ["walletprint", *command.split(), "--help"]
    loaded = loaded_by(
        f"sys.argv = {words}\nfrom walletprint.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass"
    )
    assert not {"numba", "pandas", "pyarrow", "duckdb", "numpy", "mlflow", "sklearn"} & set(loaded)


def test_no_file_grows_beyond_reading():
    long = {
        str(path.relative_to(REPOSITORY)): lines
        for path in sources(*PARTS)
        if (lines := len(path.read_text().splitlines())) > MOST_LINES
    }
    assert not long


def test_no_folder_grows_beyond_reading():
    files = Counter(path.parent.relative_to(REPOSITORY).as_posix() for path in sources(*PARTS, "tests"))
    full = {folder: number for folder, number in files.items() if number > MOST_FILES}
    assert not full, f"more than {MOST_FILES} files side by side: make folders of them"


def test_every_folder_says_what_it_is_for():
    silent = [
        str(path.relative_to(REPOSITORY))
        for path in sources(*PARTS)
        if path.name == "__init__.py" and len((ast.get_docstring(ast.parse(path.read_text())) or "").splitlines()) < 2
    ]
    assert not silent


def test_the_cache_of_a_kernel_knows_every_file_that_it_depends_on():
    features = REPOSITORY / "features"
    known = {
        path.relative_to(features).as_posix() for path in kernel_compiler.sources_of(features / "families" / "flow.py")
    }
    assert {
        "families/flow.py", "families/declaration.py", "kernels/fifo_queue.py", "kernels/wallet_view.py",
        "base/kernel_compiler.py",
    } <= known  # fmt: skip
    assert "families/timing/gaps.py" not in known
    assert "chain/patterns/stretches.py" in {
        path.relative_to(features).as_posix()
        for path in kernel_compiler.sources_of(features / "chain" / "patterns" / "cycles.py")
    }
