"""Signatures of model folders (Ed25519): whoever can write to a folder can mend its checksums, but not sign it.

Two environment variables, each the path of a PEM file: with WALLETPRINT_SIGNING_KEY (private) every model that is saved is
signed; with WALLETPRINT_MODEL_KEY (public) no model is loaded that this key's owner did not sign. Encrypted keys are not read.
"""

import os
from pathlib import Path
from typing import Any

from ...features.base.errors import DataError, UsageError

SIGNING, CHECKING = "WALLETPRINT_SIGNING_KEY", "WALLETPRINT_MODEL_KEY"
SIGNATURE = "manifest.sig"
"""Beside the manifest, whose bytes it signs, and through its checksums all other files."""
_MADE = "openssl genpkey -algorithm ed25519"


def signed(manifest: bytes) -> dict[str, bytes]:
    """The signature of a manifest by its file's name; nothing where no key is set. Raises UsageError for a key that is none."""
    place = os.environ.get(SIGNING)
    if not place:
        return {}
    from Crypto.Signature import eddsa  # here, for few models are signed

    key = _key(SIGNING, place)
    if not key.has_private():
        raise UsageError(f"{SIGNING}: {place} holds a public key, which signs nothing; give the private one")
    return {SIGNATURE: eddsa.new(key, "rfc8032").sign(manifest).hex().encode() + b"\n"}


def check_signature(manifest: bytes, folder: Path) -> None:
    """Refuse a folder that is not signed, where a key is set.

    Raises:
        DataError: if there is no signature, or it is not of this manifest and key.
        UsageError: if the key is none.
    """
    place = os.environ.get(CHECKING)
    if not place:
        return
    from Crypto.Signature import eddsa

    key, signature = _key(CHECKING, place), folder / SIGNATURE
    if signature.is_symlink() or not signature.is_file() or signature.stat().st_size > 200:
        raise DataError(
            f"{signature}: missing or no signature, and {CHECKING} asks for one; sign the model, or unset it"
        )
    try:
        eddsa.new(key, "rfc8032").verify(manifest, bytes.fromhex(signature.read_text(encoding="ascii").strip()))
    except ValueError:
        raise DataError(f"{signature}: not made by the owner of {place}; take a fresh copy of the model") from None


def _key(variable: str, place: str) -> Any:
    from Crypto.PublicKey import ECC

    try:
        key = ECC.import_key(Path(place).read_text(encoding="ascii"))
    except (OSError, ValueError, IndexError, TypeError) as error:
        raise UsageError(f"{variable}: {place} is no key ({type(error).__name__}); give a PEM file ({_MADE})") from None
    if key.curve != "Ed25519":
        raise UsageError(f"{variable}: {place} is a key of another kind ({key.curve}); Ed25519 is needed ({_MADE})")
    return key
