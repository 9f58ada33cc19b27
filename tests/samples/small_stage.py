"""A tiny world with its services, for tests of parties: what they plan is carried out without failures, tips or sweeps."""

import numpy as np
import pandas as pd

from walletprint.experiments.simulation.engine import services
from walletprint.experiments.simulation.engine.chain_run import open_account_books
from walletprint.experiments.simulation.engine.market import BTC, DAY, ETH, MINOR_UNITS, Market
from walletprint.experiments.simulation.engine.transfer_plan import PHASES, ROW, TransferPlan
from walletprint.experiments.simulation.engine.world import ALWAYS, START, World
from walletprint.experiments.simulation.parties.holding import Holding
from walletprint.experiments.simulation.parties.party import new_party

DAYS = 300
PRICES = {"ETH": (2000.0, 2000.0), "BTC": (40_000.0, 40_000.0)}
BEGIN = START + 20 * DAY


class Stage:
    """A tiny world with its services; `party()` makes a party that works around the clock."""

    def __init__(self, folder, year=2021.5, seed=3):
        self.folder, rng = folder, np.random.default_rng(seed)
        self.world = World(DAYS, Market(rng, START, DAYS, PRICES, 0.0), rng, TransferPlan(folder, START, DAYS), year)
        self.shared = services.shared_services(self.world, 1_000)
        self.s = services.district_services(self.world, self.shared, 40, 6)

    def party(self, case="case", evasion=None, **manner):
        party = new_party(self.world, self.s, self.s.deposits[:6], category="laundering", population="gang", zone=0, hours=ALWAYS,
                    case=case, pace=(600, 3600), evasion=evasion)  # fmt: skip
        for name, value in {"session_wait": 120.0, "jitter": 0.3, "digits": 0, "sum_style": "uneven", **manner}.items():
            setattr(party, name, value)
        return party

    def loot(self, party, amount, asset=ETH):
        """A wallet of the party that has an amount, and coin for fees."""
        funds = {asset: amount} if asset in (ETH, BTC) else {asset: amount, ETH: 5.0}
        wallet = int(self.world.add(1, "theft", "gang", case=party.case, owner=party.owner, hours=ALWAYS, utxo=asset == BTC,
                                    funds=funds)[0])  # fmt: skip
        return party.took(Holding(wallet, BEGIN, amount, asset))

    def rows(self):
        """What happens, in order of time."""
        books, parts, done = open_account_books(self.world, self.folder), [], 0
        for bucket in range(self.world.plan.buckets):
            rows = self.world.plan.take(bucket)
            rows = rows[np.lexsort((rows["number"], rows["t"]))]
            price = self.world.market.gas(np.where(rows["asset"] == BTC, BTC, ETH), rows["t"])
            settled = books.settle(rows, price, np.zeros(len(rows), bool), len(self.world.plan))
            frame = pd.DataFrame({name: rows[name] for name in ROW.names} | settled)
            frame["tx"], done = frame.pop("transaction") + done, done + len(rows)
            parts.append(frame[frame["minor"] > 0])
        rows = pd.concat(parts, ignore_index=True)
        rows["units"], rows["phase"] = rows["minor"] / MINOR_UNITS[rows["asset"]], np.array(PHASES)[rows["phase"]]
        rows["usd"] = rows["units"] * self.world.market.price(rows["asset"].to_numpy(), rows["t"].to_numpy())
        for name in ("population", "case"):
            text = self.world.wallets.text(name)
            rows[f"from_{name}"], rows[f"to_{name}"] = text[rows["sender"]], text[rows["receiver"]]
        return rows
