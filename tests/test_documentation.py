"""Documentation runs: the README's example and every doctest of the installed package."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import walletprint

REPOSITORY = Path(__file__).resolve().parent.parent
COMPARED_WITH = {"polars"}  # the extra `benchmarks`: what its engines need, and nothing else may


def modules() -> list[str]:
    """Every module of the package, by its real name (pytest's own doctest collection imports the files under wrong ones)."""
    found = []
    for part in ("features", "serving", "training", "experiments", "cli"):
        package = importlib.import_module(f"walletprint.{part}")
        found.append(package.__name__)
        found += [module.name for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
    scripts = ("walletprint.serving.pyfunc", "gfp_guest")  # for MLflow, and for another interpreter
    return [name for name in found if not name.endswith(scripts)]


def test_every_module_imports_and_its_examples_run():
    failed, examples = [], 0
    for name in modules():
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name not in COMPARED_WITH:
                raise
            continue  # the extra `benchmarks` is not installed
        if ">>>" in Path(str(module.__file__)).read_text():
            result = doctest.testmod(module)
            examples += result.attempted
            failed += [name] if result.failed else []
    assert not failed
    assert examples > 0


def python_blocks(path: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", path.read_text(), flags=re.DOTALL)


def test_the_readme_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (example,) = python_blocks(REPOSITORY / "README.md")
    lines = [line for line in example.splitlines() if line.strip() and not line.startswith(("#", "from ", "import "))]
    assert len(lines) <= 10
    scope: dict = {}
    exec(compile(example, "README.md", "exec"), scope)
    assert scope["scores"]["band"].isin(["none", "low", "medium", "high", "severe", "unscored"]).all()
    assert len(scope["scores"]) > 0


def test_the_version_is_the_changelog_s_latest():
    latest = re.search(r"^## (\S+)", (REPOSITORY / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert latest
    assert latest[1] == walletprint.__version__


NAMED = re.compile(r"`([\w/]+\.py|(?:features|serving|training|experiments|cli|tests|docs)/[\w/]*)`")
MADE_BY_THE_READER = {"job.py", "my_scan.py", "given_scores.py", "test_given_scores.py"}  # in examples


def test_every_file_that_a_text_names_is_there():
    """Names in backticks of files and folders of the project, in pages, docstrings and comments."""
    parts = ("features", "serving", "training", "experiments", "cli", "tests", "docs")
    files = [
        path for part in parts for path in (REPOSITORY / part).rglob("*.*") if path.suffix in (".py", ".md", ".yaml")
    ]
    there = {path.relative_to(REPOSITORY).as_posix() for path in (*files, *REPOSITORY.glob("*.md"))}
    folders = {parent.as_posix() for path in there for parent in Path(path).parents}
    missing = []
    for file in sorted(path for path in there if not path.startswith("docs/features")):
        for name in NAMED.findall((REPOSITORY / file).read_text()):
            known = name in there or any(path.endswith("/" + name) for path in there) or name.rstrip("/") in folders
            if not known and name not in MADE_BY_THE_READER:
                missing.append(f"{file}: {name}")
    assert not missing
