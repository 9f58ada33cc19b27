"""Configs: defaults, YAML and dicts, and all mistakes in one line."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from walletprint.features import UsageError
from walletprint.training.config.train_config import TrainConfig, as_yaml, heads, load_config
from walletprint.training.data.targets import CATEGORIES


def mistakes(source, head="laundering"):
    with pytest.raises(UsageError) as caught:
        load_config(source, head)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("head", heads())
def test_each_head_comes_with_a_default_that_speaks_of_every_category(head):
    config = load_config(head=head)
    listed = [*config.labels.positive, *config.labels.negative, *config.labels.ignored]
    assert config.head == head
    assert sorted(listed) == sorted(CATEGORIES)
    assert config.model_name == f"walletprint-{head}"


def test_yaml_of_a_config_reads_back_equal(tmp_path):
    config = load_config(
        {"snapshots": {"first": "2018-01-01"}, "tracking": {"register": False}, "features": {"families": ["flow"]}},
        "laundering",
    )
    file = tmp_path / "config.yaml"
    file.write_text(as_yaml(config))
    assert load_config(file) == config
    assert load_config(config) == config
    assert config.snapshots.first == pd.Timestamp("2018-01-01", tz="UTC")


def test_what_a_config_leaves_out_comes_from_the_head(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "snapshots: {window: 30d}\nlabels: {ignored: [mixer, sanctioned], positive: [theft, 'actor:Lazarus Group']}\n"
    )
    config = load_config(file, "laundering")
    assert config.snapshots.window == "30d"
    assert config.snapshots.min_transfers == 3
    assert config.labels.positive == ("theft", "actor:Lazarus Group")
    assert "exchange" in config.labels.negative


def test_a_head_of_ones_own():
    config = load_config({"head": "ponzi", "labels": {"positive": ["ponzi"], "negative": ["licit"]}})
    assert config.model_name == "walletprint-ponzi"
    assert "gives no default" not in mistakes({"head": "ponzi", "labels": {"positive": ["ponzi"]}}, None)
    assert "labels.negative: is empty" in mistakes({"head": "ponzi", "labels": {"positive": ["ponzi"]}}, None)


def test_numbers_that_yaml_reads_as_text():
    assert (
        load_config(
            yaml.safe_load("model: {lightgbm: {learning_rate: 1e-2}}"), "laundering"
        ).model.lightgbm.learning_rate
        == 0.01
    )


def test_all_mistakes_come_together():
    message = mistakes(
        {
            "labels": {"positive": ["launderin", "exchange"], "negative": ["exchange"]},
            "snapshots": {
                "window": "90x",
                "evry": "month",
                "min_transfers": "3",
                "first": "2021-01-01",
                "last": "2020-01-01",
            },
            "split": {"train_until": "2020-13-01", "held_out_addresses": 1.5},
            "features": {"families": ["flw"], "names": ["value__in__total", "nope"]},
            "bands": {"low": 0.9},
            "seed": True,
            "model": {"lightgbm": {"num_leave": 3}, "rounds": 0},
        }
    )
    for part in (
        "config: 16 mistakes: ",
        "labels.positive: unknown category 'launderin' (did you mean laundering?)",
        "labels: exchange in both positive and negative",
        "snapshots.window: a number and a unit are allowed (90d, 12h, 4w) or all, not '90x'",
        "snapshots.evry: unknown key (did you mean every?)",
        "snapshots.min_transfers: should be a valid integer, not '3'",
        "snapshots.first (2021-01-01) must lie before snapshots.last (2020-01-01)",
        "split.train_until: a date such as",
        "split.held_out_addresses: should be less than 1, not 1.5",
        "features.families: unknown family 'flw' (did you mean flow?)",
        "features.names: unknown feature 'nope'",
        "features.names: value__in__total is not era-safe",
        "features: give families or names, not both",
        "bands: low < medium < high < severe is needed",
        "seed: should be a valid integer, not True",
        "model.lightgbm.num_leave: unknown key (did you mean num_leaves?)",
        "model.rounds: should be greater than or equal to 1, not 0",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ({"bands": {"low": "x", "medium": 0.9}}, "bands.low: should be a valid number"),
        ({"split": {"train_until": "2020-01-01"}}, "give both train_until and calibration_until"),
        (
            {"split": {"train_until": "2021-01-01", "calibration_until": "2021-01-01"}},
            "must lie before split.calibration_until",
        ),
        (
            {
                "split": {"train_until": "2019-01-01", "calibration_until": "2020-01-01"},
                "snapshots": {"last": "2020-01-01"},
            },
            "split.calibration_until (2020-01-01) must lie before snapshots.last",
        ),
        ({"split": {"embargo": "all"}}, "split.embargo: a length such as 90d"),
        ({"snapshots": {"every": "6h"}}, "snapshots.every: a day or more"),
        ({"snapshots": {"every": "all"}}, "snapshots.every: month, quarter"),
        ({"snapshots": {"first": 2018}}, "snapshots.first: a date such as"),
        ({"labels": {"positive": ["actor: "]}}, "unknown category 'actor: '"),
        ({"labels": {"positive": "theft"}}, "labels.positive: should be a valid tuple"),
        ({"labels": 5}, "labels: should be a valid dictionary"),
        ({"head": "state_linked"}, "head is 'state_linked', but 'laundering' was requested"),
        ({"features": {"names": ["timing__hour__entropy"] * 2, "era_safe_only": False}}, "twice"),
        (
            {"features": {"names": ["activity__transfers__total"], "dust_proof": True}},
            "activity__transfers__total is not proof against dust; leave it out",
        ),
        ({"features": {"families": ["flow"], "dust_proof": True}}, "leave no feature of these; add a family"),
        ({"trackin": {}}, "trackin: unknown key (did you mean tracking?)"),
        ({5: 6}, "Keys should be strings"),
    ],
)
def test_one_mistake(source, part):
    assert part in mistakes(source)


def test_a_check_that_needs_an_unusable_key_stays_silent():
    assert "low < medium" not in mistakes({"bands": {"low": "x", "medium": 0.9}})


@pytest.mark.parametrize(
    ("text", "part"),
    [("head: [", "not YAML"), ("- a", "keys and values are needed"), (None, "cannot be read")],
)
def test_a_file_that_is_no_config(tmp_path, text, part):
    file = tmp_path / "c.yaml"
    if text is not None:
        file.write_text(text)
    assert part in mistakes(file)
    assert "c.yaml" in mistakes(file)


def test_an_unknown_head_needs_a_config():
    assert "laundering, state_linked come with walletprint, 'tax' does not" in mistakes(None, "tax")
    assert "head: is missing" in mistakes({"seed": 1}, None)


def test_a_config_made_in_python_is_checked_too():
    with pytest.raises(ValueError, match=r"labels.positive: is empty"):
        TrainConfig(head="laundering")


def test_every_key_is_documented():
    text = (Path(__file__).resolve().parents[3] / "docs" / "training.md").read_text()
    table = text[text.index("| key | default |") : text.index("## Slices")]
    for section, values in load_config(head="laundering").model_dump(by_alias=True).items():
        keys = values if isinstance(values, dict) else {section: None}
        assert section in table
        missing = [key for key in keys if not re.search(rf"`?\.?\b{key}\b", table)]
        assert not missing
