"""The categories of labels: stable ids and numbers, a sentence each, and whether such an address mixes strangers' money.

What a source's words mean is in `vocabularies.toml`, and who is behind an address in `actors.toml`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Category:
    """One kind of address.

    Attributes:
        id: its stable name, as in label files.
        number: its stable number, from 1. A new category gets the next one; a number is never used twice.
        sentence: what an address of this category is.
        service: whether one address mixes strangers' money, so that taint is not followed through it.
    """

    id: str
    number: int
    sentence: str
    service: bool = False


CATEGORIES: tuple[Category, ...] = (
    Category("sanctioned", 1, "Named on a state's list of sanctions."),
    Category("theft", 2, "Took or first received what was stolen in a hack, exploit or heist."),
    Category("laundering", 3, "Hides where ill-gotten money comes from: a relay, a layering or a gathering wallet."),
    Category("mixer", 4, "Pools the money of many to hide whose is whose: a mixer, tumbler or coinjoin.", service=True),
    Category("exchange", 5, "A centralised exchange's own address: hot wallet, cold wallet or treasury.", service=True),
    Category("exchange_deposit", 6, "A customer's deposit address at a centralised exchange.", service=True),
    Category("bridge", 7, "Carries value from one chain to another.", service=True),
    Category("dex", 8, "A decentralised exchange: its routers, pools and aggregators.", service=True),
    Category("gambling", 9, "A casino, betting or lottery service.", service=True),
    Category("ransomware", 10, "Collects the ransoms of ransomware."),
    Category("scam", 11, "Takes money by deceit that no other category names."),
    Category("phishing", 12, "Takes money by stolen keys, false sites or false approvals."),
    Category("ponzi", 13, "Pays old investors with the money of new ones: a Ponzi or pyramid scheme."),
    Category("darknet", 14, "A darknet market or a shop of illegal goods.", service=True),
    Category("otc", 15, "A broker over the counter or between persons.", service=True),
    Category("payment", 16, "A payment processor, card or fiat gateway.", service=True),
    Category("lending", 17, "A lender's or borrowing protocol's pool.", service=True),
    Category("token", 18, "The contract of a token.", service=True),
    Category("contract", 19, "A contract of unknown purpose."),
    Category("miner", 20, "A miner, mining pool, validator or block builder.", service=True),
    Category("merchant", 21, "A shop, or a market of goods.", service=True),
    Category("service", 22, "A service of another or an unknown kind.", service=True),
    Category("terrorism", 23, "Raises or holds money for terrorism."),
    Category("state_linked", 24, "Run for a state, such as a state's hackers."),
    Category("user", 25, "One person's or firm's own wallet."),
    Category("trader", 26, "Trades on its own account."),
    Category("bot", 27, "Trades or extracts value by machine."),
    Category("licit", 28, "Known to be lawful; nothing else is known."),
    Category(
        "defi", 29, "A protocol of decentralised finance that is neither exchange, bridge nor lender.", service=True
    ),
    Category("nft", 30, "A market or a collection of non-fungible tokens.", service=True),
    Category("wallet_service", 31, "A hosted wallet, or a wallet maker's own contracts.", service=True),
    Category("donation", 32, "Collects donations for a charity or a public good."),
    Category("extortion", 33, "Collects money by threats other than ransomware, such as sextortion."),
    Category("extremism", 34, "Raises money for extremists who are not called terrorists."),
    Category("abuse", 35, "Malicious; its source gives no kind."),
    Category("frozen", 36, "Its tokens were frozen by their issuer, for a reason the source does not say."),
    Category("organisation", 37, "A fund, foundation, company, treasury or governance body."),
    Category("token_sale", 38, "Raised money by selling tokens.", service=True),
    Category("game", 39, "A game's contracts.", service=True),
)
"""All categories, in the order of their numbers."""

IDS: tuple[str, ...] = tuple(category.id for category in CATEGORIES)
"""Their ids, in that order."""

SERVICES: frozenset[str] = frozenset(category.id for category in CATEGORIES if category.service)
"""The ids of the categories whose addresses mix strangers' money."""
