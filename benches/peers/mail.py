"""What both Python peers send, how it is shared out, and how the time is told."""

import argparse
import json
import multiprocessing
import re
import time
from email import policy
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

SENDER = "weekly@example.org"
HELLO = "weekly.example.org"  # else both ask the DNS who they are, on the clock
PROCESSES = 2

# What stands in prepared bytes for a reader: a number, and a token as long as any.
NUMBER_SLOT = "number-slot"
TOKEN_SLOT = "tokenslot" + 23 * "0"


def address(number):
    return f"reader-{number}@example.com"


def build(number, html, token=None, encoding=None):
    """The message to one reader, as the manual of `email` builds one with an alternative."""
    token = token or f"{number:032x}"
    link = f"https://weekly.example.org/u/{token}"
    message = EmailMessage()
    message["Subject"] = "What the tide brought"
    message["From"] = f"Weekly <{SENDER}>"
    message["To"] = address(number)
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{token}@weekly.example.org>"
    message["List-Unsubscribe"] = f"<{link}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(f"This week's letter is best read as a page.\n\nUnsubscribe: {link}\n")
    message.add_alternative(html.replace("{{unsubscribe_url}}", link), subtype="html", cte=encoding)
    return message


class Prepared:
    """The bytes of a message, cut where a reader's number and token go."""

    def __init__(self, html):
        message = build(NUMBER_SLOT, html, TOKEN_SLOT, "quoted-printable").as_bytes(policy=policy.SMTP)
        # A soft break (RFC 2045, 6.7) that quoted-printable put into a token goes around it.
        token = b"(?:=\r\n)?".join(re.escape(bytes([byte])) for byte in TOKEN_SLOT.encode())
        whole = TOKEN_SLOT.encode()
        message = re.sub(token, lambda found: whole if found[0] == whole else b"=\r\n%b=\r\n" % whole, message)
        self.pieces = re.split(b"(%b|%b)" % (NUMBER_SLOT.encode(), whole), message)

    def stamp(self, number):
        slots = {NUMBER_SLOT.encode(): b"%d" % number, TOKEN_SLOT.encode(): b"%032x" % number}
        return b"".join(slots.get(piece, piece) for piece in self.pieces)


def timed(send, *arguments):
    """When `send` began and ended, on the clock that all processes of a machine share."""
    start = time.monotonic()
    send(*arguments)
    return start, time.monotonic()


def main(send_built, send_prepared):
    """Sends with `send_…(host, port, html or prepared, numbers)` and prints how long it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("how", choices=["built", "prepared"])
    parser.add_argument("html", type=Path)
    arguments = parser.parse_args()
    relay = (arguments.host, arguments.port)
    html = arguments.html.read_text(encoding="utf-8")
    if arguments.how == "built":
        spans = [timed(send_built, *relay, html, range(arguments.count))]
    else:
        prepared = Prepared(html)
        shares = [range(first, arguments.count, PROCESSES) for first in range(PROCESSES)]
        with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
            spans = pool.starmap(timed, [(send_prepared, *relay, prepared, share) for share in shares], chunksize=1)
    starts, ends = zip(*spans)
    print(json.dumps({"sent": arguments.count, "seconds": max(ends) - min(starts)}))
