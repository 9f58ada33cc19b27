"""The errors a user may see: one clear line each, never a traceback.

A message names the file, row or argument. It says what is wrong, what is allowed, and what to do.
"""

LONGEST = 4_000


class WalletprintError(Exception):
    """Base of all errors that the user can fix.

    A message quotes input, which may hold line breaks or codes that a terminal obeys. Those become spaces.
    """

    def __init__(self, message: object = "") -> None:
        text = "".join(letter if letter.isprintable() else " " for letter in str(message)[: LONGEST + 1])
        super().__init__(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


class DataError(WalletprintError):
    """The data are wrong (exit code 1)."""


class UsageError(WalletprintError):
    """The call is wrong: an argument, an option, a config key (exit code 2)."""
