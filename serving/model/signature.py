"""Signatures of model folders (Ed25519): whoever can write to a folder can correct its checksums, but cannot sign it.

Two environment variables, each the path of a PEM file: with WALLETPRINT_SIGNING_KEY (private) every saved model is
signed; with WALLETPRINT_MODEL_KEY (public) only models that this key's owner signed are loaded. Encrypted keys are not read.
"""

import os
from pathlib import Path
from typing import Any

from ...features.base.errors import DataError, UsageError

SIGNING, CHECKING = "WALLETPRINT_SIGNING_KEY", "WALLETPRINT_MODEL_KEY"
SIGNATURE = "manifest.sig"
"""The file of the signature. It signs the bytes of the manifest, and so, by their checksums, all other files."""
_MADE = "openssl genpkey -algorithm ed25519"


def signed(manifest: bytes) -> dict[str, bytes]:
    """The signature of a manifest, by file name; empty if no key is set. Raises UsageError for an invalid key."""
    path = os.environ.get(SIGNING)
    if not path:
        return {}
    from Crypto.Signature import eddsa  # here, because few models are signed

    key = _key(SIGNING, path)
    if not key.has_private():
        raise UsageError(f"{SIGNING}: {path} holds a public key, which cannot sign; give the private one")
    return {SIGNATURE: eddsa.new(key, "rfc8032").sign(manifest).hex().encode() + b"\n"}


def check_signature(manifest: bytes, folder: Path) -> None:
    """Refuse a folder that is not signed, if a key is set.

    Raises:
        DataError: there is no signature, or it is not of this manifest and key.
        UsageError: the key is invalid.
    """
    path = os.environ.get(CHECKING)
    if not path:
        return
    from Crypto.Signature import eddsa

    key, signature = _key(CHECKING, path), folder / SIGNATURE
    if signature.is_symlink() or not signature.is_file() or signature.stat().st_size > 200:
        raise DataError(
            f"{signature}: missing or not a signature, and {CHECKING} requires one; sign the model, or unset it"
        )
    try:
        eddsa.new(key, "rfc8032").verify(manifest, bytes.fromhex(signature.read_text(encoding="ascii").strip()))
    except ValueError:
        raise DataError(f"{signature}: not made by the owner of {path}; take a fresh copy of the model") from None


def _key(variable: str, path: str) -> Any:
    from Crypto.PublicKey import ECC

    try:
        key = ECC.import_key(Path(path).read_text(encoding="ascii"))
    except (OSError, ValueError, IndexError, TypeError) as error:
        raise UsageError(
            f"{variable}: {path} is not a key ({type(error).__name__}); give a PEM file ({_MADE})"
        ) from None
    if key.curve != "Ed25519":
        raise UsageError(f"{variable}: {path} is a key of another kind ({key.curve}); Ed25519 is needed ({_MADE})")
    return key
