"""aiosmtplib: a few connections, the work split between them, as its manual says ("Parallel Execution")."""

import asyncio

from aiosmtplib import SMTP

from mail import HELLO, SENDER, address, build, main

CONNECTIONS = 4


def send_built(host, port, html, numbers):
    asyncio.run(split(host, port, numbers, lambda client, number: client.send_message(build(number, html))))


def send_prepared(host, port, prepared, numbers):
    def send(client, number):
        return client.sendmail(SENDER, [address(number)], prepared.stamp(number))

    asyncio.run(split(host, port, numbers, send))


async def split(host, port, numbers, send):
    shares = [numbers[first::CONNECTIONS] for first in range(CONNECTIONS)]
    await asyncio.gather(*(deliver(host, port, share, send) for share in shares if share))


async def deliver(host, port, numbers, send):
    async with SMTP(hostname=host, port=port, local_hostname=HELLO, start_tls=False) as client:
        for number in numbers:
            await send(client, number)


if __name__ == "__main__":
    main(send_built, send_prepared)
