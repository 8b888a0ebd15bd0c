"""What no message and no dashboard may say: a secret in any case, and who somebody is where pseudonyms are wanted."""

import hashlib
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass

EMAIL = re.compile(r"[\w.!#$%&'*+=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")
LIKE_A_KEY = re.compile(r"\b(?:sk|key|xox[a-z])[-_][A-Za-z0-9_-]{16,}")
HIDDEN = "[secret]"


def pseudonym(address: str, salt: str) -> str:
    """The same short name for the same address, whatever its case; nobody finds the address without the salt."""
    said = hmac.new(salt.encode(), address.strip().lower().encode(), hashlib.sha256).hexdigest()
    return f"person-{said[:10]}"


@dataclass(frozen=True)
class Discretion:
    """Applied to every text before it is kept or sent."""

    secrets: Collection[str] = ()  # longest first
    salt: str = ""

    def __call__(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        text = LIKE_A_KEY.sub(HIDDEN, text)
        return EMAIL.sub(lambda found: pseudonym(found[0], self.salt), text) if self.salt else text

    def __repr__(self) -> str:
        return "Discretion()"
