"""train, promote, rollback and config as a user runs them: what they say, and what becomes of bad input."""

import pytest
import yaml

from walletprint.training.config.train_config import heads, load_config


@pytest.mark.parametrize("head", heads())
def test_config_show_is_a_config(run, head, tmp_path):
    code, out, err = run("config", "show", "--head", head)
    assert (code, err) == (0, "")
    assert load_config(yaml.safe_load(out)) == load_config(head=head)
    assert out.startswith("# A training config of walletprint")


def test_config_show_of_a_file_refuses_what_it_does_not_know(run, tmp_path):
    (tmp_path / "c.yaml").write_text("head: laundering\ntuning: {trials: 5}\n")
    code, out, _ = run("config", "show", "-c", "c.yaml")
    assert code == 0
    assert "(default: 0)\n  trials: 5" in out
    (tmp_path / "c.yaml").write_text("head: laundering\ntunning: {trials: 5}\n")
    code, _, err = run("config", "show", "-c", "c.yaml")
    assert code == 2
    assert "tunning: unknown key (did you mean tuning?)" in err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["config", "show"], "--head: one of laundering, state_linked is needed"),
        (
            ["train", "-t", "t.csv", "-l", "l.csv", "--out", "m"],
            "--head: laundering, state_linked or a head of your config",
        ),
        (
            ["train", "-t", "t.csv", "-l", "l.csv", "--out", "m", "--from-run", "r", "--head", "laundering"],
            "--from-run: the run brings its own head and config",
        ),
        (["rollback", "nope", "--tracking-uri", "sqlite:///m.db"], "name: no registered model 'nope'"),
        (["rollback", "nope", "--tracking-uri", "gopher://m"], "tracking: the MLflow store gopher://m cannot be used"),
    ],
)
def test_bad_usage_is_one_line_and_code_2(run, arguments, part):
    code, _, err = run(*arguments)
    assert code == 2
    (line,) = [line for line in err.splitlines() if line.strip()]
    assert part in line


def test_promote_says_why_and_ends_with_its_decision(run, trained, tmp_path):
    import shutil

    shutil.copy(trained.uri.removeprefix("sqlite:///"), tmp_path / "copy.db")
    uri, chain = "sqlite:///copy.db", trained.chain
    arguments = ["walletprint-laundering", "-t", chain.transfers, "-l", chain.labels, "--tracking-uri", uri]
    code, out, err = run("promote", *arguments)
    assert code in (0, 1), err
    assert ("version 1 promoted to champion: " in out) is (code == 0)
    assert ("version 1 not promoted: " in out) is (code == 1)
    assert "pr_auc" in out
    assert "Traceback" not in err
