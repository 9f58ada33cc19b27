"""Faults in a batch: after each the run is resumed, and nothing is lost, doubled, half-written or other than undisturbed.

A short form by default; WALLETPRINT_FAULTS=240 runs the long one.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("fault_campaign.py")
FAULTS = int(os.environ.get("WALLETPRINT_FAULTS", "8"))
NEVER = (
    "lost",
    "duplicated",
    "half-written",
    "tracebacks",
    "many lines",
    "not resumed",
    "other bytes",
    "left over",
    "hangs",
)


@pytest.mark.skipif(sys.platform == "win32", reason="the campaign forks and kills")
def test_a_campaign_of_faults_leaves_no_trace(model, transfers, tmp_path):
    model.save(tmp_path / "model")
    transfers.to_parquet(tmp_path / "transfers.parquet")
    command = [sys.executable, str(DRIVER), str(tmp_path), str(FAULTS), "7"]
    alone = os.environ | {"OMP_NUM_THREADS": "1"}  # a pool of threads does not outlive a fork
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=alone)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert sum(n for kind, n in found.items() if kind not in NEVER) == FAULTS
    assert {name: found.get(name, 0) for name in NEVER} == dict.fromkeys(NEVER, 0), f"{found} {done.stderr}"
