"""The examples of docs/evaluation.md run, one after the other, as a reader would type them."""

import re
from pathlib import Path

import numpy as np

PAGE = Path(__file__).resolve().parents[3] / "docs" / "evaluation.md"


def test_the_page_s_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scope: dict = {}
    for example in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL):
        exec(compile(example, PAGE.name, "exec"), scope)
    assert np.isfinite(scope["scores"]).all()
    assert len(scope["table"]) == 6
    assert scope["better"].low < scope["better"].difference < scope["better"].high
    assert scope["siblings"]
    assert 0 <= scope["found"].never < 1
