"""No network: sockets are blocked in a process of its own, and then the whole main job runs in it."""

import json
import subprocess
import sys

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


def test_nothing_is_sent_from_ingest_to_scores(tmp_path):
    chain, store = ["-t", "chain/transfers.parquet"], ["--tracking-uri", f"sqlite:///{tmp_path / 'mlflow.db'}"]
    asked = [*chain, "-a", "chain/addresses.csv", "--as-of", "2022-01-01", "--out", "scores.parquet"]
    (tmp_path / "small.yaml").write_text(
        "head: laundering\nsnapshots: {every: 60d, window: 60d}\nmodel: {rounds: 10}\n"
    )
    steps = [
        ["simulate", "--out", "chain", "--wallets", "600", "--days", "420", "--seed", "11"],
        ["ingest", "chain/transfers.parquet", "--out", "transfers.parquet"],
        ["labels", "build", "chain/labels.csv", "--out", "labels.parquet"],
        ["extract", *chain, "--wallets", "chain/addresses.csv", "--out", "features.parquet"],
        ["train", *chain, "-l", "chain/labels.csv", "--config", "small.yaml", "--out", "model", *store],
        ["score", "-m", "model", *asked],
        ["score", "-m", "models:/walletprint-laundering@challenger", *asked, *store],
        ["diff", "scores.parquet", "scores.parquet"],
        ["drift", "-m", "model", "scores.parquet", "--picture", "drift.png"],
        ["runs", *store],
    ]
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED + RUN, json.dumps(steps)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    assert done.stderr.count("\n-- ") + 1 >= len(steps)
