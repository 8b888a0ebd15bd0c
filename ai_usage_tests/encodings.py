"""The encodings of a secret in an echoed text, and whether the secret can still be read."""

import html
import json
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, unquote


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" if not letter.isalnum() else letter for letter in text)


def html_numbers(text: str) -> str:
    return "".join(f"&#{ord(letter)};" for letter in text)


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "json dashes": lambda key: key.replace("-", "\\u002d"),
    "json slash": lambda key: key.replace("/", "\\/"),
    "json, all signs": escaped,
    "json, all": lambda key: "".join(f"\\u{ord(letter):04X}" for letter in key),
    "json in json": lambda key: json.dumps(json.dumps(escaped(key))),
    "python": lambda key: "".join(f"\\x{ord(letter):02x}" for letter in key),
    "percent": lambda key: quote(key, safe=""),
    "percent twice": lambda key: quote(quote(key, safe=""), safe=""),
    "percent, all": lambda key: "".join(f"%{ord(letter):02x}" for letter in key),
    "percent in json": lambda key: escaped("".join(f"%{ord(letter):02X}" for letter in key)),
    "html": lambda key: html_numbers(html.escape(key)),
    "html, hexadecimal": lambda key: "".join(f"&#x{ord(letter):x};" for letter in key),
    "base64": lambda key: b64encode(key.encode()).decode(),
    "base64 of basic": lambda key: b64encode(f"{key}:".encode()).decode(),
    "base64 of a user": lambda key: b64encode(f"admin:{key}".encode()).decode(),
    "base64 of a line": lambda key: b64encode(f"x-api-key: {key}, and so on".encode()).decode(),
    "base64 for URLs": lambda key: urlsafe_b64encode(f"??{key}??".encode()).decode().rstrip("="),
    "base64 in JSON": lambda key: b64encode(f"a{key}".encode()).decode().replace("/", "\\/").replace("=", "\\u003d"),
    "hexadecimal": lambda key: key.encode().hex().upper(),
    "in a URL": lambda key: f"https://{quote(key, safe='')}:x@acme.test/?k={key}",
    "with a colon": lambda key: f"{key}:",
}


def readings(text: str) -> set[str]:
    """The texts that a reader gets by undoing one encoding after the other."""
    found = {text}
    for _ in range(3):
        for each in list(found):
            found |= {html.unescape(each), unquote(each), each.replace("\\/", "/")}
            found.add(re.sub(r"\\+[ux]([0-9a-fA-F]{4}|[0-9a-fA-F]{2})", lambda hit: chr(int(hit[1], 16)), each))
    for each in list(found):
        for run in re.findall(r"[A-Za-z0-9+/_-]{8,}", each):
            plain = run.replace("-", "+").replace("_", "/")
            for skip in range(4):
                whole = plain[skip : skip + (len(plain) - skip) // 4 * 4]
                found.add(b64decode(whole).decode("latin-1"))
            found.add(bytes(int(pair, 16) for pair in re.findall(r"[0-9a-fA-F]{2}", run)).decode("latin-1"))
    return found


def leaks(text: str, secret: str) -> list[str]:
    """Pieces of a secret that can be read in a text, in any case."""
    pieces = {secret[at : at + 8].lower() for at in range(4, max(5, len(secret) - 7))}
    return [piece for piece in pieces for reading in readings(text) if piece in reading.lower()]
