"""The house: imports run one way, the base install stays light, and the README's example runs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from walletprint.features.base import kernel_compiler as compiled

REPOSITORY = Path(__file__).resolve().parent.parent
LAYERS = ["features", "serving", "training", "experiments", "cli"]  # each may import those before it
BASE_ONLY = {"features", "serving"}
EXTRAS = {"sklearn", "mlflow", "matplotlib", "optuna", "pyspark"}
ALLOWED_LAZILY = {
    REPOSITORY / "serving" / "pyfunc.py",
    REPOSITORY / "serving" / "registry.py",
}  # only ever run beside MLflow


def sources(layer: str) -> list[Path]:
    return sorted((REPOSITORY / layer).rglob("*.py"))


def imported(path: Path, node: ast.ImportFrom) -> str | None:
    """The layer that a relative import reaches, None if it stays inside or is absolute."""
    if node.level == 0:
        return None
    package = path.relative_to(REPOSITORY).parts[:-1]
    reached = package[: len(package) - (node.level - 1)] + tuple((node.module or "").split("."))
    return reached[0] if reached and reached[0] in LAYERS else None


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_run_one_way(layer):
    allowed = LAYERS[: LAYERS.index(layer) + 1]
    wrong = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno} imports {reached}"
        for path in sources(layer)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (reached := imported(path, node)) and reached not in allowed
    ]
    assert sources(layer)
    assert not wrong


@pytest.mark.parametrize("layer", sorted(BASE_ONLY))
def test_the_base_never_imports_an_extra(layer):
    wrong = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        for path in sources(layer)
        if path not in ALLOWED_LAZILY
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        if not getattr(node, "level", 0) and name.split(".")[0] in EXTRAS
    ]
    assert not wrong


def test_inside_the_package_imports_are_relative():
    wrong = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        for layer in LAYERS
        for path in sources(layer)
        if path != REPOSITORY / "serving" / "pyfunc.py"  # MLflow runs it as a script, which knows no package
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "walletprint"
    ]
    assert not wrong


@pytest.mark.parametrize("module", ["walletprint.features", "walletprint.serving"])
def test_importing_the_scorer_loads_no_training_code(module):
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert module in loaded
    assert not {name.split(".")[0] for name in loaded} & EXTRAS
    assert not [name for name in loaded if name.startswith("walletprint.training")]


def test_no_file_grows_beyond_reading():
    long = {
        str(path.relative_to(REPOSITORY)): n
        for layer in LAYERS
        for path in sources(layer)
        if (n := len(path.read_text().splitlines())) > 420
    }
    assert not long


def test_the_cache_of_a_kernel_knows_every_file_that_it_hangs_on():
    features = REPOSITORY / "features"
    known = {path.relative_to(features).as_posix() for path in compiled.sources_of(features / "families" / "flow.py")}
    assert {"families/flow.py", "fifo.py", "view.py", "compiled.py", "declare.py"} <= known
    assert "families/timing_gaps.py" not in known
    assert "chain/stretches.py" in {
        path.relative_to(features).as_posix() for path in compiled.sources_of(features / "chain" / "cycles.py")
    }
