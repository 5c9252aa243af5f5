"""Verifies DKIM signatures with dkimpy, which is nobody's code of ours.

Reads lines of `name value message`, each word in base64: the DNS record's name and text, and the mail.
Prints a line for each: `ok`, or why not.
"""

import base64
import sys

import dkim

for line in sys.stdin:
    name, value, message = (base64.b64decode(word) for word in line.split())

    def published(asked, timeout=5):
        return value if asked.rstrip(b".") == name else None

    try:
        verified = dkim.DKIM(message).verify(dnsfunc=published)
        print("ok" if verified else "the signature does not fit")
    except dkim.DKIMException as error:
        print(f"{type(error).__name__}: {error}")
