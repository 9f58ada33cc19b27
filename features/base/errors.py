"""The errors a user may see: one clear line each, never a traceback.

A message names the file, row or argument, says what is allowed, what came, and what to do.
"""

LONGEST = 4_000


class WalletprintError(Exception):
    """Base of all errors that are the user's to mend.

    A message quotes what came, and that may hold lines, or codes that a terminal obeys: those become spaces.
    """

    def __init__(self, message: object = "") -> None:
        shown = "".join(letter if letter.isprintable() else " " for letter in str(message)[: LONGEST + 1])
        super().__init__(shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…")


class DataError(WalletprintError):
    """The data are wrong (exit code 1)."""


class UsageError(WalletprintError):
    """The call is wrong: an argument, an option, a config key (exit code 2)."""
