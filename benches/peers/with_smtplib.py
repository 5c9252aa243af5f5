"""smtplib: one connection, kept; prepared bytes by `sendmail`."""

import smtplib

from mail import HELLO, SENDER, address, build, main


def send_built(host, port, html, numbers):
    with smtplib.SMTP(host, port, local_hostname=HELLO) as client:
        for number in numbers:
            client.send_message(build(number, html))


def send_prepared(host, port, prepared, numbers):
    with smtplib.SMTP(host, port, local_hostname=HELLO) as client:
        for number in numbers:
            client.sendmail(SENDER, [address(number)], prepared.stamp(number))


if __name__ == "__main__":
    main(send_built, send_prepared)
