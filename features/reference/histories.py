"""The histories of the worked examples, one transfer per line: time, sender → receiver, amount, asset, and what else matters.

No formulas: the kernels compute the features of `w`. Many transfers of one kind are a `Batch`, which is described in one line.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

_GWEI = 1e9


@dataclass(frozen=True, slots=True)
class Batch:
    """Many transfers of one kind.

    Attributes:
        words: what they are.
        count: how many.
        start: the time of the first one.
        seconds: the time from each one to the next.
        line: one of them without its time; `{i}` counts them from 1.
    """

    words: str
    count: int
    start: str
    seconds: int
    line: str

    @property
    def lines(self) -> list[str]:
        """All of them, as lines of a history."""
        first = datetime.fromisoformat(self.start)
        times = (first + timedelta(seconds=k * self.seconds) for k in range(self.count))
        return [f"{time:%Y-%m-%d %H:%M:%S} {self.line.format(i=k + 1)}" for k, time in enumerate(times)]


@dataclass(frozen=True, slots=True)
class Example:
    """A history of `w` and of the wallets it deals with.

    Attributes:
        story: what happens, in a few words.
        history: its transfers.
        batches: more transfers, described in one line per batch.
        labels: (address, category) of some wallets it deals with, known since 2020; thefts are of the case "heist".
        as_of: the date of the snapshot; its window is all history.
    """

    story: str
    history: str
    batches: tuple[Batch, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    as_of: str = "2021-04-05"

    @property
    def lines(self) -> list[str]:
        """The transfers of `history`, one line per transfer."""
        return [line.strip() for line in self.history.strip().splitlines()]


def parse(line: str) -> dict[str, Any]:
    """Turn a line of a history into a row of transfers.

    >>> parse("2021-03-01 09:00 alice → w 10 ETH usd=16000")
    {'timestamp': '2021-03-01T09:00', 'sender': 'alice', 'receiver': 'w', 'amount': 10.0, 'asset': 'ETH', 'usd': 16000.0}
    """
    date, time, sender, _, receiver, amount, asset, *others = line.split()
    row = {
        "timestamp": f"{date}T{time}",
        "sender": sender,
        "receiver": receiver,
        "amount": float(amount),
        "asset": asset,
    }
    for other in others:
        name, _, text = other.partition("=")
        row |= _OTHERS[name](text)
    return row


_OTHERS: dict[str, Any] = {
    "usd": lambda text: {"usd": float(text)},
    "tx": lambda text: {"tx_id": text},
    "chain": lambda text: {"chain": text},
    "nonce": lambda text: {"nonce": int(text)},
    "gwei": lambda text: {"gas_price": float(text) * _GWEI},
    "method": lambda text: {"method": text},
    "failed": lambda _: {"failed": True},
}

_SIZES = Batch(
    "40 transfers between other wallets, of 1, 2, … 40 ETH", 40, "2021-02-22 00:00", 21_600, "a{i} → b{i} {i} ETH"
)
_HOURS = Batch(
    "48 transfers between other wallets, one an hour for two days", 48, "2021-03-01 00:00", 3_600, "a{i} → b{i} 1 ETH"
)

EXAMPLES: dict[str, Example] = {
    "activity": Example(
        "a month in the life of a wallet",
        """
        2021-03-01 09:00 alice → w 10 ETH
        2021-03-01 09:20 w → bob 4 ETH
        2021-03-01 18:00 w → w 1 ETH
        2021-03-02 10:00 spammer → w 0 JUNK
        2021-03-10 08:00 w → router 0 ETH
        2021-03-20 12:00 dave → w 300 USDT
        2021-03-20 12:05 w → erin 250 USDT
        """,
    ),
    "value": Example(
        "inflows and payments of different sizes",
        """
        2021-03-01 09:00 alice → w 10 ETH usd=16000
        2021-03-02 09:00 bob → w 2 ETH usd=3200
        2021-03-03 09:00 gina → w 3 ETH usd=4700
        2021-03-05 10:00 w → carol 6 ETH usd=9000
        2021-03-05 11:00 w → dave 2 ETH usd=3000
        2021-03-20 12:00 w → erin 1 ETH usd=1800
        2021-03-21 12:00 fred → w 500 USDT usd=500
        """,
    ),
    **dict.fromkeys(
        ("value__in__rank", "value__out__rank", "value__high"),
        Example(
            "two transfers larger than any that the chain had seen, and a smaller one",
            """
            2021-03-22 09:00 alice → w 50 ETH
            2021-03-22 20:00 w → bob 45 ETH
            2021-03-23 21:00 w → carol 4 ETH
            """,
            (_SIZES,),
        ),
    ),
    "amounts": Example(
        "round sums come in; equal payments just below a round number go out",
        """
        2021-03-01 09:00 alice → w 100 ETH
        2021-03-02 09:00 alice → w 100 ETH
        2021-03-03 09:00 alice → w 100 ETH
        2021-03-04 09:00 bob → w 12.345 ETH
        2021-03-05 09:00 bob → w 49.5 ETH
        2021-03-05 10:00 w → carol 49.5 ETH
        2021-03-06 09:00 w → dave 9.99 ETH
        2021-03-06 10:00 w → erin 9.99 ETH
        2021-03-06 11:00 w → fred 9.99 ETH
        2021-03-06 12:00 w → gina 10 ETH
        2021-03-07 12:00 w → hal 25.123456 ETH
        """,
    ),
    **dict.fromkeys(
        (f"amounts__{side}__below_{threshold}" for side in ("in", "out") for threshold in ("1k", "3k", "10k")),
        Example(
            "sums just below the thresholds of reports",
            """
            2021-03-01 09:00 alice → w 950 USDC usd=950
            2021-03-01 10:00 bob → w 2990 USDC usd=2990
            2021-03-01 11:00 carol → w 9800 USDC usd=9800
            2021-03-01 12:00 dave → w 5000 USDC usd=5000
            2021-03-02 09:00 w → erin 9900 USDC usd=9900
            2021-03-02 10:00 w → erin 9500 USDC usd=9500
            2021-03-02 11:00 w → erin 2900 USDC usd=2900
            2021-03-02 12:00 w → erin 990 USDC usd=990
            2021-03-02 13:00 w → erin 120 USDC usd=120
            """,
        ),
    ),
    "timing": Example(
        "equal payments, minutes apart, on a Friday night; a pause; a Saturday",
        """
        2021-03-05 02:00 alice → w 40 ETH
        2021-03-05 02:10 w → bob 5 ETH
        2021-03-05 02:12 w → carol 5 ETH
        2021-03-05 02:12:30 w → dave 5 ETH
        2021-03-05 02:15:30 w → erin 5 ETH
        2021-03-05 02:20:30 w → fred 5 ETH
        2021-03-20 14:00 gina → w 3 ETH
        2021-03-20 14:00 w → hal 3 ETH
        2021-03-20 15:00 ira → w 2 ETH
        """,
        (_HOURS,),
    ),
    "counterparties": Example(
        "one wallet deals both ways",
        """
        2021-03-01 09:00 alice → w 10 ETH
        2021-03-01 12:00 bob → w 2 ETH
        2021-03-02 09:00 alice → w 3 ETH
        2021-03-02 10:00 w → alice 5 ETH
        2021-03-02 11:00 w → carol 4 ETH
        2021-03-05 11:00 w → carol 1 ETH
        """,
    ),
    "flow": Example(
        "money comes in twice; most of it goes on within a day",
        """
        2021-02-20 09:00 w → gina 1 ETH
        2021-03-01 09:00 alice → w 10 ETH
        2021-03-01 09:05 w → bob 4 ETH
        2021-03-01 09:40 w → carol 0.3 ETH
        2021-03-02 06:00 w → dave 5 ETH
        2021-03-05 09:00 erin → w 8 ETH
        2021-03-05 15:00 w → fred 8.5 ETH
        """,
    ),
    "flow__burner": Example(
        "a wallet that lives for two hours",
        """
        2021-03-01 09:00 alice → w 10 ETH
        2021-03-01 11:00 w → bob 9.99 ETH
        """,
    ),
    "assets": Example(
        "stolen dollars are swapped at once; a loop at a loss; a token of its own making",
        """
        2021-03-01 09:00 thief → w 9000 USDC
        2021-03-01 09:10 w → pool 9000 USDC tx=s1
        2021-03-01 09:10 pool → w 6 ETH tx=s1
        2021-03-01 12:00 spammer → w 500 SHIB
        2021-03-02 09:00 w → pool 2 ETH tx=s2
        2021-03-02 09:00 pool → w 100 LINK tx=s2
        2021-03-02 09:30 w → pool 100 LINK tx=s3
        2021-03-02 09:30 pool → w 1.9 ETH tx=s3
        2021-03-03 09:00 w → victim 1000 FAKE
        """,
    ),
    "assets__chain": Example(
        "a payment over a bridge",
        """
        2021-03-01 09:00 alice → w 5 ETH chain=ethereum
        2021-03-01 10:00 w → bridge 4 ETH chain=ethereum
        2021-03-01 10:12 bridge → w 3.98 ETH chain=arbitrum
        2021-03-02 09:00 w → bob 3 ETH chain=arbitrum
        """,
    ),
    "funding": Example(
        "one funder sets up two wallets with money for fees",
        """
        2021-03-18 08:00 exchange → funder 30 ETH
        2021-03-20 09:00 funder → helper 1 ETH
        2021-03-20 09:05 funder → w 2 ETH
        2021-03-20 09:06 funder → sister 2 ETH
        2021-03-20 12:00 alice → w 300 USDT
        2021-03-21 10:00 w → sister 0.5 ETH
        2021-03-21 11:00 w → funder 0.3 ETH
        2021-03-22 09:00 bob → w 1 ETH
        2021-03-22 10:00 w → carol 0.2 ETH
        2021-03-23 09:00 funder → helper 1 ETH
        """,
        (_SIZES,),
    ),
    "fees": Example(
        "a program signs three transactions within a minute, the last one in vain; a fourth is in a hurry",
        """
        2021-03-01 09:10 alice → bob 1 ETH nonce=7 gwei=80
        2021-03-01 09:20 carol → dave 1 ETH nonce=3 gwei=100
        2021-03-01 09:30 erin → w 9 ETH nonce=9 gwei=120
        2021-03-01 10:00 w → pool 1 ETH nonce=5 gwei=110 method=0xa9059cbb
        2021-03-01 10:00:20 w → pool 1 ETH nonce=6 gwei=110 method=0xa9059cbb
        2021-03-01 10:01 w → pool 1 ETH nonce=7 gwei=110.5 method=0x38ed1739 failed
        2021-03-01 10:30 w → fred 1 ETH nonce=10 gwei=300
        """,
    ),
    "structure": Example(
        "money gathered from three wallets and scattered to three, two of them new",
        """
        2021-02-27 09:00 source → ann 3 ETH
        2021-02-27 10:00 other → ann 3 ETH
        2021-02-28 09:00 zoe → eve 1 ETH
        2021-02-28 09:30 ann → ida 1 ETH
        2021-03-01 09:00 ann → w 3 ETH
        2021-03-01 09:10 ben → w 4 ETH
        2021-03-01 10:30 cem → w 5 ETH
        2021-03-01 11:00 w → dan 2 ETH
        2021-03-01 11:30 w → eve 4 ETH
        2021-03-01 12:30 w → fay 6 ETH
        2021-03-02 09:00 dan → gus 2 ETH
        2021-03-03 09:00 fay → hal 6 ETH
        """,
    ),
    **dict.fromkeys(
        ("structure__receiver_fan", "structure__sender_fan", "structure__deposit"),
        Example(
            "a deposit address of an exchange, the exchange itself, and a faucet",
            """
            2021-02-27 09:00 alice → deposit 3 ETH
            2021-02-27 10:00 deposit → exchange 3 ETH
            2021-02-28 09:00 bob → deposit 1 ETH
            2021-02-28 10:00 deposit → exchange 1 ETH
            2021-03-01 09:00 faucet → w 5 ETH
            2021-03-01 09:30 alice → w 1 ETH
            2021-03-01 10:00 w → deposit 2 ETH
            2021-03-02 10:00 w → exchange 1 ETH
            2021-03-02 11:00 w → carol 1 ETH
            """,
            (
                Batch("120 wallets pay the exchange", 120, "2021-02-01 00:00", 60, "c{i} → exchange 1 ETH"),
                Batch("the faucet pays 110 wallets", 110, "2021-02-02 00:00", 60, "faucet → d{i} 1 ETH"),
            ),
        ),
    ),
    **dict.fromkeys(
        tuple(f"structure__{what}__truncated_share" for what in ("two_hop", "relay", "cycle", "scatter_gather")),
        Example(
            "too many payments within a day to search all that they are part of",
            """
            2021-03-01 09:00 alice → w 200 ETH
            """,
            (Batch("w pays 130 wallets 1 ETH each, one a minute", 130, "2021-03-01 10:00", 60, "w → p{i} 1 ETH"),),
        ),
    ),
    "structure__relay": Example(
        "one sum handed on from wallet to wallet, a little less each time",
        """
        2021-03-01 09:00 ann → ben 10 ETH
        2021-03-01 11:00 ben → cem 9.8 ETH
        2021-03-01 14:00 cem → w 9.7 ETH
        2021-03-01 15:00 w → dan 9.6 ETH
        """,
    ),
    "structure__peel_chain": Example(
        "a peel chain: the small output goes aside, the large one goes on",
        """
        2021-03-01 08:00 ann → ben 105 ETH
        2021-03-01 09:00 ben → shop 5 ETH
        2021-03-01 09:10 ben → w 100 ETH
        2021-03-01 10:00 w → cafe 4 ETH
        2021-03-01 10:10 w → cem 96 ETH
        2021-03-05 10:00 dan → w 3 ETH
        2021-03-05 12:00 w → eve 1 ETH
        """,
    ),
    "structure__cycle": Example(
        "money that goes round: from ann over ben and w back to ann, then from w over three others back to w",
        """
        2021-03-01 09:00 ann → ben 5 ETH
        2021-03-01 10:00 ben → w 5 ETH
        2021-03-01 11:00 w → ann 5 ETH
        2021-03-05 09:00 w → cem 3 ETH
        2021-03-05 10:00 cem → dan 3 ETH
        2021-03-05 11:00 dan → eve 3 ETH
        2021-03-05 12:00 eve → w 3 ETH
        """,
    ),
    "structure__scatter_gather": Example(
        "three scatter-gathers: w is the target of the first, the source of the second, a middle of the third",
        """
        2021-03-01 09:00 ann → ben 5 ETH
        2021-03-01 09:10 ann → cem 5 ETH
        2021-03-01 10:00 ben → w 5 ETH
        2021-03-01 10:10 cem → w 5 ETH
        2021-03-05 09:00 w → dan 2 ETH
        2021-03-05 09:10 w → eve 2 ETH
        2021-03-05 09:20 w → fay 2 ETH
        2021-03-05 10:00 dan → gus 2 ETH
        2021-03-05 10:10 eve → gus 2 ETH
        2021-03-05 10:20 fay → gus 2 ETH
        2021-03-09 09:00 hal → w 4 ETH
        2021-03-09 09:10 hal → ida 4 ETH
        2021-03-09 10:00 ida → jon 4 ETH
        2021-03-09 10:10 w → jon 4 ETH
        """,
    ),
    "cohort": Example(
        "a wallet among forty of its time",
        """
        2021-03-02 09:00 alice → w 10 ETH
        2021-03-03 09:00 bob → w 14.5 ETH
        2021-03-04 09:00 w → carol 5 ETH
        2021-03-05 09:00 w → carol 9 ETH
        """,
        (
            Batch(
                "wallets 1 to 40 are paid 1, 2, … 40 ETH", 40, "2021-03-01 00:00", 3_600, "mine → wallet-{i} {i} ETH"
            ),
            Batch("each sends its money on to a bank", 40, "2021-03-03 00:00", 3_600, "wallet-{i} → bank {i} ETH"),
        ),
    ),
    **{
        f"exposure__{group}_": Example(
            f"two labelled wallets ({category}), one before `w` and one behind it",
            """
            2021-03-01 09:00 spring → ann 10 ETH
            2021-03-01 10:00 spring → w 4 ETH
            2021-03-01 11:00 w → gil 1 ETH
            2021-03-02 09:00 ann → w 4 ETH
            2021-03-02 12:00 zoe → w 2 ETH
            2021-03-03 09:00 w → ben 2 ETH
            2021-03-03 10:00 w → sink 1 ETH
            2021-03-03 10:20 w → sink 1 ETH
            2021-03-04 09:00 ben → sink 2 ETH
            """,
            labels=(("spring", category), ("sink", category)),
        )
        for group, category in (
            ("sanctioned", "sanctioned"),
            ("theft", "theft"),
            ("mixer", "mixer"),
            ("fraud", "phishing"),
            ("exchange", "exchange"),
            ("bridge", "bridge"),
            ("dex", "dex"),
            ("otc", "otc"),
        )
    },
}
"""The example of each feature whose name begins so; the longest beginning wins."""
