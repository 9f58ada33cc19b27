"""The digest of a ledger: the same for the same transfers and labels. Reads no file."""

import hashlib

import numpy as np

from .ledger import Ledger


def ledger_digest(ledger: Ledger) -> str:
    """SHA-256 of the transfers and labels of a ledger; paths and names of files do not count."""
    digest = hashlib.sha256()
    labels = ledger.attribution[:-2] if ledger.attribution is not None else ()
    for column in (*ledger.rows, ledger.signed_transactions.nonce, ledger.signed_transactions.time, *labels):
        digest.update(np.ascontiguousarray(column).data)
    for texts in (ledger.addresses, ledger.assets):
        for buffer in texts.buffers():
            digest.update(buffer if buffer is not None else b"")
    return digest.hexdigest()
