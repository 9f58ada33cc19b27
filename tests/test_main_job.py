"""The main job through the command line, each step reading what the one before wrote; sockets are blocked meanwhile."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow.parquet as pq
import pytest

BLOCKED = """
import os, socket, sys

def refuse(*given, **named):
    sys.stderr.write(f"NETWORK {given!r:.200}\\n")
    os._exit(77)  # whatever would swallow an exception

class Socket(socket.socket):
    pass  # to make one sends nothing: urllib3 does, when it is imported, to learn whether there is IPv6

def refusing(name):
    before = getattr(socket.socket, name)
    return lambda self, *given: before(self, *given) if self.family == socket.AF_UNIX else refuse(name, given)

for name in ("connect", "connect_ex", "sendto", "sendmsg", "listen"):
    setattr(Socket, name, refusing(name))
socket.socket = Socket
for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr", "create_connection", "create_server", "getfqdn"):
    setattr(socket, name, refuse)
import _socket
_socket.getaddrinfo = refuse
"""

RUN = """
import json
from walletprint.cli.main import app
for words in json.loads(sys.argv[1]):
    sys.stderr.write(f"-- {words[0]}\\n")
    app(words, standalone_mode=False)
"""


@pytest.mark.parametrize(
    "call",
    [
        "socket.socket(socket.AF_INET).connect(('127.0.0.1', 9))",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
        "socket.getaddrinfo('example.org', 443)",
        "socket.create_connection(('127.0.0.1', 9))",
        "__import__('urllib.request').request.urlopen('http://127.0.0.1:9')",
    ],
)
def test_the_block_blocks(call):
    """Else the test below would pass whatever is called."""
    done = subprocess.run([sys.executable, "-c", BLOCKED + call], capture_output=True, text=True)
    assert done.returncode == 77
    assert "NETWORK" in done.stderr


ASKED = ["-t", "chain/transfers.parquet", "-a", "chain/addresses.csv", "--as-of", "2022-04-01", "--reasons", "all"]
CHALLENGER = "models:/walletprint-laundering@challenger"
STEPS = [
    ["simulate", "--out", "chain", "--wallets", "1000", "--days", "480", "--seed", "3"],
    ["ingest", "chain/transfers.parquet", "--out", "transfers.parquet"],
    ["labels", "build", "chain/labels.csv", "--out", "labels.parquet"],
    [
        "extract",
        "-t",
        "chain/transfers.parquet",
        "--as-of",
        "2022-01-01",
        "--window",
        "90d",
        "--out",
        "features.parquet",
    ],
    ["train", "-t", "chain/transfers.parquet", "-l", "chain/labels.csv", "--config", "small.yaml", "--out", "model"],
    ["score", "-m", "model", *ASKED, "--out", "scores.parquet"],
    ["score", "-m", "model", *ASKED, "--out", "scores.jsonl"],
    ["score", "-m", CHALLENGER, *ASKED, "--out", "scores.csv"],
    ["diff", "scores.parquet", "scores.parquet"],
    ["drift", "-m", "model", "scores.parquet", "--picture", "drift.png"],
    ["runs"],
]
COLUMNS = {"address", "as_of", "head", "score", "band", "reasons", "coverage", "model", "error"}


class Job(NamedTuple):
    """A folder in which the main job was done, and what the process printed and reported."""

    folder: Path
    printed: str
    reported: str
    code: int


@pytest.fixture(scope="module")
def job(tmp_path_factory) -> Job:
    folder = tmp_path_factory.mktemp("job")
    (folder / "small.yaml").write_text("head: laundering\nmodel: {rounds: 60}\n")
    words = [sys.executable, "-c", BLOCKED + RUN, json.dumps(STEPS)]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    return Job(folder, done.stdout, done.stderr, done.returncode)


def test_the_whole_job_runs_and_nothing_is_sent(job):
    assert job.code == 0, job.reported[-2_000:]
    assert job.reported.count("\n-- ") + 1 >= len(STEPS)
    assert "Traceback" not in job.reported


def test_scores_are_explained_rows_in_the_order_asked(job):
    scores = pq.read_table(job.folder / "scores.parquet").to_pylist()
    asked = pd.read_csv(job.folder / "chain" / "addresses.csv")["address"].tolist()
    assert [row["address"] for row in scores] == asked
    assert set(scores[0]) >= COLUMNS
    scored = [row for row in scores if row["band"] != "unscored"]
    assert scored
    assert all(0 <= row["score"] <= 1 and row["reasons"] and not row["error"] for row in scored)
    assert all(row["score"] is None and row["error"] for row in scores if row["band"] == "unscored")


def test_the_registered_model_gives_the_same_scores_in_any_format(job):
    lines = [json.loads(line) for line in (job.folder / "scores.jsonl").read_text().splitlines()]
    table = pd.read_csv(job.folder / "scores.csv")
    assert table["address"].tolist() == [row["address"] for row in lines]
    assert table["score"].fillna(-1).tolist() == [-1 if row["score"] is None else row["score"] for row in lines]


def test_runs_shows_the_training(job):
    shown = job.printed.splitlines()[-80:]
    for word in ("laundering", "challenger", "test_time/pr_auc"):
        assert any(word in line for line in shown)


def test_an_edited_model_is_refused_in_one_line(job, tmp_path):
    model = shutil.copytree(job.folder / "model", tmp_path / "model")
    text = (model / "model.txt").read_text()
    (model / "model.txt").write_text(text.replace("tree", "tre", 1))
    words = ["score", "-m", str(model), *ASKED, "--out", str(tmp_path / "never.parquet")]
    code = "import sys; from walletprint.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=job.folder, capture_output=True, text=True)
    assert done.returncode == 1
    assert "error: " in done.stderr
    assert "model.txt" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "never.parquet").exists()
