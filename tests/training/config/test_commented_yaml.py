"""A config as a commented file: complete, readable back, and honest about what is not a default."""

import re

import pytest
import yaml
from pydantic import BaseModel

from walletprint.training.config.commented_yaml import WIDTH, as_commented_yaml
from walletprint.training.config.train_config import TrainConfig, heads, load_config


def keys_of(section, prefix=""):
    for name, field in section.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys_of(field.annotation, f"{key}.")
        else:
            yield key, field


@pytest.mark.parametrize("head", heads())
def test_it_reads_back_equal(head, tmp_path):
    config = load_config({"snapshots": {"first": "2018-01-01", "window": "30d"}, "tracking": {"register": False}}, head)
    (tmp_path / "c.yaml").write_text(as_commented_yaml(config))
    assert load_config(tmp_path / "c.yaml") == config


def test_every_key_stands_there_and_says_what_it_does():
    text = as_commented_yaml(load_config(head="laundering"))
    values = yaml.safe_load(text)
    for key, field in keys_of(TrainConfig):
        found = values
        for part in key.split("."):
            found = found[part]
        if not key.startswith("bands."):  # one comment for the four
            assert field.description, key
            assert " ".join(field.description.split())[:40] in re.sub(r"\n *#  ", "", text), key
    assert max(map(len, text.splitlines())) <= WIDTH + 20


def test_what_is_not_the_default_says_so():
    text = as_commented_yaml(load_config({"snapshots": {"window": "30d"}}, "laundering"))
    assert text.count("(default: ") == 1
    assert "a length, or all. (default: 90d)\n  window: 30d" in text


def test_a_head_of_ones_own_has_no_defaults_to_differ_from():
    own = load_config({"head": "ponzi", "labels": {"positive": ["ponzi"], "negative": ["licit"]}})
    assert "a head of its own" in as_commented_yaml(own)
    assert "(default: " not in as_commented_yaml(own)


def test_another_version_of_the_format_is_refused():
    from walletprint.features import UsageError

    assert load_config(head="laundering").version == 1
    with pytest.raises(UsageError, match="version: should be 1, not 2"):
        load_config({"version": 2}, "laundering")
