"""The story of one theft: told from the truth, seen by models, on a simulated chain with a stand-in for a model."""

import numpy as np
import pandas as pd
import pytest

from walletprint.experiments.simulation import simulate
from walletprint.experiments.simulation.theft_story import KIND_SENTENCES, OUT, tell
from walletprint.features import Ledger

DAY = pd.Timedelta(days=1)


class Suspicious:
    """Flags every wallet with two transfers or more by the day it is asked about."""

    def __init__(self, ledger):
        self.ledger = ledger

    def score(self, asked, ledger):
        assert ledger is self.ledger
        seen = np.array(
            [self._seen(address, as_of) for address, as_of in zip(asked["address"], asked["as_of"], strict=True)]
        )
        band = np.where(seen >= 2, "high", "unscored")
        return asked.assign(
            score=np.where(seen >= 2, 0.9, np.nan), band=band, flagged=seen >= 2, reasons=[[] for _ in seen]
        )

    def _seen(self, address, as_of):
        wallet = self.ledger.ids([address])[0]
        mine = self.ledger.entries[self.ledger.offsets[wallet] : self.ledger.offsets[wallet + 1]]
        return int((self.ledger.rows.time[mine] < as_of.timestamp()).sum())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    chain = simulate(tmp_path_factory.mktemp("chain"), wallets=700, days=300, seed=3)
    ledger = Ledger.from_transfers(chain.transfers)
    return chain, ledger, ledger.end.normalize() - 200 * DAY


@pytest.fixture(scope="module")
def story(made):
    chain, ledger, since = made
    return tell(chain, ledger, {"laundering": Suspicious(ledger), "state_linked": Suspicious(ledger)}, since)


def test_the_largest_theft_of_a_state_after_the_moment_is_told(made, story):
    chain, _, since = made
    cases = pd.read_csv(chain.truth_cases).set_index("case")
    truth = pd.read_csv(chain.truth, keep_default_na=False)
    state = set(truth.loc[truth["category"] == "state_linked", "case"])
    later = cases[cases.index.isin(state) & (pd.to_datetime(cases["date"], utc=True) >= since)]
    assert story.case == later["stolen_usd"].idxmax()
    assert story.usd == pytest.approx(later["stolen_usd"].max(), rel=1e-6)
    assert story.began >= since
    assert story.actor.startswith("Simulated State Group")


def test_what_moves_and_what_is_seen_come_in_order_and_only_after_the_theft(story):
    assert story.days["day"].is_monotonic_increasing
    assert story.days["day"].between(0, story.followed).all()
    assert set(story.days["kind"]) <= set(KIND_SENTENCES)
    assert set(OUT) <= set(KIND_SENTENCES)
    assert story.sightings["day"].is_monotonic_increasing
    assert not story.sightings.duplicated(["address", "head"]).any()
    assert set(story.sightings["head"]) == {"laundering", "state_linked"}
    assert 0 < story.watched <= story.wallets
    assert 0 <= story.before_out <= 1


def test_a_wallet_is_seen_on_the_first_day_on_which_it_could_be(made, story):
    _, ledger, _ = made
    watcher = Suspicious(ledger)
    for row in story.sightings[story.sightings["head"] == "laundering"].itertuples():
        end = story.began + (row.day + 1) * DAY
        assert watcher._seen(row.address, end) >= 2
        assert row.day == 0 or watcher._seen(row.address, end - DAY) < 2


def test_no_theft_no_story(made):
    chain, ledger, _ = made
    assert tell(chain, ledger, {"laundering": Suspicious(ledger)}, ledger.end - DAY) is None
