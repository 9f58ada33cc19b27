"""Hand-made files in the formats in which the field's data are published: few rows, right headers, known truths."""

import random
from pathlib import Path

ELLIPTIC_FEATURES = 165
WALLET_COLUMNS = [
    "num_txs_as_sender",
    "num_txs_as receiver",
    "first_block_appeared_in",
    "last_block_appeared_in",
    "lifetime_in_blocks",
    "total_txs",
    "first_sent_block",
    "first_received_block",
    "num_timesteps_appeared_in",
    "btc_transacted_total",
    "btc_sent_total",
    "btc_received_total",
    "fees_total",
]
TX_COLUMNS = [
    "in_txs_degree",
    "out_txs_degree",
    "total_BTC",
    "fees",
    "size",
    "num_input_addresses",
    "num_output_addresses",
]
AMLWORLD = (
    "Timestamp,From Bank,Account,To Bank,Account,Amount Received,Receiving Currency,Amount Paid,Payment Currency"
    ",Payment Format,Is Laundering"
)
KAGGLE = (
    ",Index,Address,FLAG,Avg min between sent tnx,Time Diff between first and last (Mins),Sent tnx,total Ether sent,"
    " Total ERC20 tnxs, ERC20 uniq sent addr, ERC20 most sent token type"
)


def write(path: Path, header: str | None, rows: list) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [",".join(map(str, row)) for row in rows]
    path.write_text("\n".join([*([header] if header else []), *lines]) + "\n", encoding="utf-8")
    return path


def elliptic(folder: Path, per_step: int = 12, seed: int = 1) -> dict[int, tuple[int, str]]:
    """Three files: in each step a third of the transactions is illicit (feature 1 is higher), a third licit, a third unknown.

    Returns the step and the class by transaction.
    """
    rng = random.Random(seed)
    truth, rows, edges = {}, [], []
    for step in range(1, 50):
        own = [1000 * step + k for k in range(per_step)]
        for k, tx in enumerate(own):
            kind = ("1", "2", "unknown")[k % 3]
            truth[tx] = (step, kind)
            first = rng.gauss(2.0 if kind == "1" else 0.0, 1.0)
            rows.append([tx, step, f"{first:.4f}", *[round(rng.random(), 3) for _ in range(ELLIPTIC_FEATURES - 1)]])
        edges += [(own[k], own[k + 1]) for k in range(0, per_step - 1, 2)]
    write(folder / "elliptic_txs_features.csv", None, rows)
    write(folder / "elliptic_txs_classes.csv", "txId,class", [(tx, kind) for tx, (_, kind) in truth.items()])
    write(folder / "elliptic_txs_edgelist.csv", "txId1,txId2", edges)
    return truth


def wallets(folder: Path, count: int = 240, seed: int = 2) -> None:
    """Elliptic++: wallets first seen in steps 1–48, one transaction each as sender and one as receiver a step later.

    One in four is illicit, one in two licit, the others unknown; fees of illicit wallets' transactions are higher. Every
    third row of a wallet comes twice.
    """
    rng = random.Random(seed)
    features, classes, sent, received, txs, tx_classes = [], [], [], [], [], []
    for k in range(count):
        name, step, kind = f"1{rng.getrandbits(80):020x}", 1 + k % 48, (1, 2, 2, 3)[rng.randrange(4)]
        classes.append((name, kind))
        life = [round(rng.gauss(3.0 if kind == 1 else 0.0, 1.0), 4) for _ in WALLET_COLUMNS]
        features += [[name, step, *life]] * (2 if k % 3 == 0 else 1) + [[name, step + 1, *life]]
        for later, side in ((0, sent), (1, received)):
            tx = 10 * k + later
            side.append((name, tx) if side is sent else (tx, name))
            fees = round(rng.gauss(5.0 if kind == 1 else 1.0, 1.0), 4)
            txs.append(
                [tx, step + later, round(rng.random(), 4), round(rng.random(), 4), 1, 2, rng.random(), fees, 250, 1, 2]
            )
            tx_classes.append((tx, kind))
    write(folder / "wallets_features.csv", ",".join(["address", "Time step", *WALLET_COLUMNS]), features)
    write(folder / "wallets_classes.csv", "address,class", classes)
    write(folder / "AddrTx_edgelist.csv", "input_address,txId", sent)
    write(folder / "TxAddr_edgelist.csv", "txId,output_address", received)
    columns = ["txId", "Time step", "Local_feature_1", "Aggregate_feature_1", *TX_COLUMNS]
    write(folder / "txs_features.csv", ",".join(columns), txs)
    write(folder / "txs_classes.csv", "txId,class", tx_classes)


def amlworld(folder: Path, name: str = "HI-Small_Trans.csv", rows: int = 600, seed: int = 3) -> Path:
    """Ten nominal days, after which only laundering goes on; one in eight transactions is laundering, mostly by ACH."""
    rng = random.Random(seed)
    made = []
    for k in range(rows):
        late = k >= rows - 12
        bad = late or rng.random() < 0.125
        day, minute = (11 + k % 3, 0) if late else (1 + 10 * k // rows, rng.randrange(1440))
        form = "ACH" if bad and rng.random() < 0.8 else rng.choice(["Cheque", "Wire", "Credit Card", "ACH"])
        amount = round(rng.lognormvariate(5 + bad, 1), 2)
        ends = (rng.randrange(3), f"8{rng.randrange(40):03X}", rng.randrange(3), f"8{rng.randrange(40):03X}")
        when = f"2022/09/{day:02d} {minute // 60:02d}:{minute % 60:02d}"
        made.append((when, *ends, amount, "US Dollar", amount, "US Dollar", form, int(bad)))
    return write(folder / name, AMLWORLD, made)


def kaggle(folder: Path, rows: int = 300, seed: int = 4) -> Path:
    """As published: licit wallets first; an empty ERC-20 block only where a wallet is illicit."""
    rng = random.Random(seed)
    made = []
    for k in range(rows):
        bad = k >= rows * 3 // 4
        tokens = ["", "", ""] if bad and k % 2 else [rng.randrange(5), rng.randrange(3), "Livepeer Token"]
        span = round(rng.expovariate(1 / (1e4 if bad else 2e5)), 2)
        own = [round(rng.random() * 1e3, 2), span, rng.randrange(1, 99), round(rng.lognormvariate(1, 1), 4)]
        made.append((k, k + 1, f"0x{k + 1:040x}", int(bad), *own, *tokens))
    return write(folder / "transaction_dataset.csv", KAGGLE, made)


def amlsim(folder: Path, run: str, accounts: int = 240, seed: int = 5) -> None:
    """One run of AMLSim: every eighth account collects from many and is marked."""
    rng = random.Random(seed)
    bad = [k for k in range(accounts) if k % 8 == 0]
    nodes = [(k, int(k in bad), 100.0, 5 if k in bad else -1) for k in range(accounts)]
    made = [
        (rng.randrange(accounts), rng.randrange(accounts), round(100 + 50 * rng.random(), 2), rng.randrange(1, 100))
        for _ in range(900)
    ]
    made += [(rng.randrange(accounts), k, round(10 + rng.random(), 2), 5 + j) for k in bad for j in range(6)]
    write(folder / f"{run}_nodes.csv", "nodeid,isFraud,init_balance,fraudStep", nodes)
    write(
        folder / f"{run}_transactions.csv",
        "sourceNodeId,targetNodeId,value,time",
        [row for row in made if row[0] != row[1]],
    )
