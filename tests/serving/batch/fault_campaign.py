"""Injects faults into batches, one a forked child, and tells how each ended: a script, run by test_faults.py.

The parent loads model, transfers and kernels once, on one thread, so that no thread is lost in a fork. After a fault the batch
is resumed and compared, byte for byte, with one that nothing disturbed.
"""

import errno
import io
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from walletprint.features.base import atomic_write
from walletprint.features.base.errors import WalletprintError
from walletprint.features.ledger.ledger import Ledger
from walletprint.serving import Scorer
from walletprint.serving.batch import run, score_batch

AT = datetime(2026, 1, 2, tzinfo=UTC)
FILES, ROWS, PART = 6, 10, 16
TRACEBACK, HUNG = 99, 60
STEPS = ("open_new", "sync", "move")
KINDS = (
    "kill at step",
    "kill at moment",
    "disk full",
    "file size limit",
    "clock",
    "cut off",
    "bit flip",
    "type change",
)
DAMAGE = KINDS[5:]


class Fault:
    """Happens at the n-th step of writing: a kill, or a full disk; counts the steps."""

    def __init__(self, at: int | None = None, kill: bool = False) -> None:
        self.at, self.kill, self.seen = at, kill, 0

    def step(self) -> None:
        self.seen += 1
        if self.seen == self.at:
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def inject(self) -> None:
        for name in STEPS:
            setattr(atomic_write, name, self._around(getattr(atomic_write, name), name))

    def _around(self, real: Callable, name: str) -> Callable:
        def step(*given: object) -> object:
            self.step()
            done = Torn(str(given[0]), self) if name == "open_new" else real(*given)
            if name == "move":
                self.step()
            return done

        return step


class Torn(io.BufferedWriter):
    """A file whose write may stop halfway."""

    def __init__(self, place: str, fault: Fault) -> None:
        super().__init__(io.FileIO(place, "wb"))
        self._fault = fault

    def write(self, data) -> int:
        if self._fault.seen + 1 == self._fault.at:
            super().write(bytes(data)[: len(data) // 2])
            self.flush()
        self._fault.step()
        return super().write(data)


class Campaign:
    """Faults drawn from a seed, and what became of them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.random, self.found = folder, random.Random(seed), Counter()
        self.scorer = Scorer.load(folder / "model")
        self.ledger = Ledger.from_transfers(str(folder / "transfers.parquet"), self.scorer.model.features)
        self.names = [f"0x{n:040x}" for n in range(FILES * ROWS)]
        self.scorer.score(
            self.names[:1], self.ledger, "2021-04-01", reasons="all"
        )  # loads the kernels once, for all children
        self.input = folder / "in"
        self.input.mkdir()
        for k in range(FILES):
            self.write_input(self.input / f"f{k}.parquet", self.names[k * ROWS : (k + 1) * ROWS])
        self.steps, self.seconds = {}, 1.0
        for out in ("whole", "whole.csv"):
            began = time.monotonic()
            code, said = self.child(lambda out=out: self.score(self.input, folder / out, Fault()))
            self.seconds = time.monotonic() - began
            assert code == 0, said
            self.steps[Path(out).suffix] = int(said)

    @staticmethod
    def write_input(place: Path, names: list[str]) -> None:
        table = pa.table({"address": names, "case": [f"case {name[-3:]}" for name in names]})
        pq.write_table(table, place, row_group_size=5, compression="none", use_dictionary=False)

    def score(self, source: Path, out: Path, fault: Fault | None = None, at: datetime | None = AT) -> str:
        if fault:
            fault.inject()
        score_batch(
            self.scorer, self.ledger, source, out, as_of="2021-04-01", resume=True, scored_at=at, rows_per_part=PART
        )
        return str(fault.seen if fault else 0)

    def child(self, work: Callable[[], str], kill_after: float | None = None) -> tuple[int, str]:
        """Run in a fork; its exit code (negative: the signal) and what it said."""
        heard, told = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(heard)
            code, said = _ended(work)
            os.write(told, said.encode()[:4000])
            os._exit(code)
        os.close(told)
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(pid, signal.SIGKILL)
        status = _waited(pid)
        with os.fdopen(heard) as pipe:
            said = pipe.read()
        self.found["hangs"] += status is None
        return (-9 if status is None else os.waitstatus_to_exitcode(status)), said

    def strike(self, number: int) -> None:
        """One fault: kinds in turn, the rest drawn."""
        kind = KINDS[number % len(KINDS)]
        out = self.folder / f"out{number}{self.random.choice(['', '.csv'])}"
        if kind in DAMAGE:
            self.damaged(kind, out)
        else:
            self.disturbed(kind, out)
        self.found[kind] += 1
        for path in self.folder.glob(f"*out{number}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def disturbed(self, kind: str, out: Path) -> None:
        code, said = self.child(*self.disturbance(kind, out))
        self.one_line(code, said)
        whole = self.folder / f"whole{out.suffix}"
        self.half_written(out, whole)
        code, said = self.child(lambda: self.score(self.input, out, at=None if kind == "clock" else AT))
        self.one_line(code, said)
        self.compare(code, out, whole)

    def disturbance(self, kind: str, out: Path) -> tuple[Callable[[], str], float | None]:
        if kind == "kill at moment":
            return lambda: self.score(self.input, out), self.random.uniform(0, self.seconds)
        if kind == "file size limit":
            limit = self.random.randrange(200, 20_000)
            return (
                lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)) or self.score(self.input, out),
                None,
            )
        at = self.random.randint(1, self.steps[out.suffix])
        if kind == "clock":  # not before the moment of the batch is on the disk
            return lambda: self.jump() or self.score(self.input, out, Fault(max(at, 8), kill=True), None), None
        return lambda: self.score(self.input, out, Fault(at, kill=kind == "kill at step")), None

    def jump(self) -> None:
        """From the second look on, clocks are years ahead or behind."""
        moments = iter([AT, *(AT + timedelta(days=self.random.randint(-9000, 9000)) for _ in range(1000))])
        run.datetime = type("Clock", (datetime,), {"now": classmethod(lambda cls, tz=None: next(moments))})
        ticks = iter([self.random.uniform(-1e9, 1e9) for _ in range(1000)])
        run.time = type("Ticks", (), {"monotonic": staticmethod(lambda: next(ticks))})

    def damaged(self, kind: str, out: Path) -> None:
        """A damaged file among good ones, and a kill on top."""
        hurt, source = self.random.randrange(FILES), self.folder / f"hurt-{out.name}"
        shutil.copytree(self.input, source)
        self.damage(kind, source / f"f{hurt}.parquet")
        calm = self.folder / f"calm-{out.name}"
        self.one_line(*self.child(lambda: self.score(source, calm)))
        fault = Fault(self.random.randint(1, self.steps[out.suffix]), kill=True)
        self.child(lambda: self.score(source, out, fault))
        self.half_written(out, calm)
        code, said = self.child(lambda: self.score(source, out))
        self.one_line(code, said)
        self.compare(code, out, calm)
        self.rows(out, hurt)

    def damage(self, kind: str, place: Path) -> None:
        raw = bytearray(place.read_bytes())
        if kind == "cut off":
            place.write_bytes(raw[: self.random.randrange(len(raw))])
        elif kind == "bit flip":
            for _ in range(self.random.randint(1, 8)):
                raw[self.random.randrange(len(raw))] ^= 1 << self.random.randrange(8)
            place.write_bytes(raw)
        else:
            column = self.random.choice([pa.array(range(ROWS)), pa.array([[1]] * ROWS), pa.array([b"\xff"] * ROWS)])
            pq.write_table(pa.table({"address": column}), place)

    def rows(self, out: Path, hurt: int) -> None:
        """All rows of the good files once and in order; of the damaged one none twice."""
        table = [line.split(",")[0] for line in out.read_text().splitlines()[1:]] if out.suffix else None
        came = table if table is not None else pq.read_table(out / "scores")["address"].to_pylist()
        before, after = self.names[: hurt * ROWS], self.names[(hurt + 1) * ROWS :]
        middle = came[len(before) : len(came) - len(after)]
        self.found["lost"] += came[: len(before)] != before or came[len(came) - len(after) :] != after
        known = [name for name in middle if name in self.names]
        self.found["duplicated"] += len(known) != len(set(known)) or len(middle) > ROWS

    def one_line(self, code: int, said: str) -> None:
        self.found["tracebacks"] += code == TRACEBACK or "Traceback" in said
        self.found["many lines"] += code == 1 and "\n" in said.strip()
        if code == TRACEBACK:
            sys.stderr.write(said)

    def half_written(self, out: Path, whole: Path) -> None:
        """What stands under a final name is what an undisturbed run put there."""
        if out.suffix:
            self.found["half-written"] += out.exists() and out.read_bytes() != whole.read_bytes()
            return
        named = [path for path in out.rglob("*.parquet") if ".run" not in path.parts]
        named += [out / "manifest.json"] if (out / "manifest.json").exists() else []
        theirs = {path: whole / path.relative_to(out) for path in named}
        self.found["half-written"] += any(path.read_bytes() != theirs[path].read_bytes() for path in named)

    def compare(self, code: int, out: Path, whole: Path) -> None:
        self.found["not resumed"] += code != 0
        self.found["other bytes"] += _files(out) != _files(whole)
        left = [path.name for path in self.folder.glob(f".{out.name}*") if not path.name.endswith(".lock")]
        self.found["left over"] += bool(left) or any(self.folder.glob(f"{out.name}*.new"))


def _ended(work: Callable[[], str]) -> tuple[int, str]:
    """As the command line ends: one line for what is the user's to mend."""
    try:
        return 0, work()
    except (WalletprintError, OSError) as error:
        return 1, f"error: {error}"
    except BaseException:
        return TRACEBACK, traceback.format_exc()


def _waited(pid: int) -> int | None:
    until = time.monotonic() + HUNG
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def _files(out: Path) -> dict[str, bytes]:
    if not out.suffix:
        return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    aside = out.with_name(f"{out.stem}.bad-addresses.parquet")
    return {path.suffix: path.read_bytes() for path in (out, aside) if path.is_file()}


if __name__ == "__main__":
    campaign = Campaign(Path(sys.argv[1]), seed=int(sys.argv[3]))
    for number in range(int(sys.argv[2])):
        campaign.strike(number)
    sys.stdout.write(json.dumps(campaign.found))
