"""Threads follow what a container allows, not what its machine has."""

import os
from pathlib import Path

import pytest

from walletprint.features.base import processor_cores
from walletprint.features.base.processor_cores import usable_cores


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine of eight cores whose control groups are the files given."""

    def with_files(membership: str, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = tmp_path / "groups" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (tmp_path / "membership").write_text(membership)

    monkeypatch.setattr(processor_cores, "_MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr(processor_cores, "_CONTROL_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    return with_files


@pytest.mark.parametrize(
    ("membership", "files", "cores"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "10000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "6400000 100000\n"}, 8),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "300000 100000\n"}, 3),
        ("0::/a/b\n", {"a/b/cpu.max": "400000 100000\n", "a/cpu.max": "300000 100000\n"}, 3),
        (
            "5:memory:/x\n1:cpu,cpuacct:/docker/x\n",  # seen from inside, the container's folder is the first of all
            {"cpu,cpuacct/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/cpu.cfs_period_us": "50000\n"},
            5,
        ),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ("", {}, 8),
    ],
)
def test_a_quota_bounds_the_cores(machine, membership, files, cores):
    machine(membership, files)
    assert usable_cores() == cores


def test_the_affinity_bounds_the_cores(machine, monkeypatch):
    machine("0::/\n", {"cpu.max": "600000 100000\n"})
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5})
    assert usable_cores() == 2


def test_a_machine_without_affinity_has_all_its_cores(machine, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert usable_cores() == 4


def test_without_control_groups_nothing_is_bounded(monkeypatch):
    monkeypatch.setattr(processor_cores, "_MEMBERSHIP", Path("/no/such/file"))
    assert usable_cores() >= 1
