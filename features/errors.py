"""The errors a user may see: one clear line each, never a traceback.

A message names the file, row or argument, says what is allowed, what came, and what to do.
"""


class WalletprintError(Exception):
    """Base of all errors that are the user's to mend."""


class DataError(WalletprintError):
    """The data are wrong (exit code 1)."""


class UsageError(WalletprintError):
    """The call is wrong: an argument, an option, a config key (exit code 2)."""
