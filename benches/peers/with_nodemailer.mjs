// nodemailer: its pool, with `maxMessages: Infinity` as its page on bulk mail says, else as it comes (5 connections).
//
// Modules lie where npm put them: NODE_PATH says where.
import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const nodemailer = createRequire(import.meta.url)('nodemailer');

const SENDER = 'weekly@example.org';
const HELLO = 'weekly.example.org';
const PROCESSES = 2;
const IN_FLIGHT = 10; // messages handed to a pool: twice its connections, so that none of them waits

// What stands in prepared bytes for a reader: a number, and a token as long as any.
const NUMBER_SLOT = 'number-slot';
const TOKEN_SLOT = `tokenslot${'0'.repeat(23)}`;

const [host, port, countText, how, htmlFile] = process.argv.slice(2);
const count = Number(countText);
if (!Number.isSafeInteger(count) || !['built', 'prepared'].includes(how) || htmlFile === undefined) {
    fail('wanted: HOST PORT COUNT built|prepared HTMLFILE');
}

function fail(error) {
    console.error(`error: ${error}`);
    process.exit(1);
}

const address = (number) => `reader-${number}@example.com`;
const tokenOf = (number) => number.toString(16).padStart(32, '0');

function build(number, html, token = tokenOf(number)) {
    const link = `https://weekly.example.org/u/${token}`;
    return {
        from: `Weekly <${SENDER}>`,
        to: address(number),
        subject: 'What the tide brought',
        messageId: `<${token}@weekly.example.org>`,
        list: { unsubscribe: link },
        headers: { 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' },
        text: `This week's letter is best read as a page.\n\nUnsubscribe: ${link}\n`,
        html: html.replaceAll('{{unsubscribe_url}}', link),
    };
}

/// The bytes of a message, cut where a reader's number and token go.
async function prepare(html) {
    const writer = nodemailer.createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
    const mail = { ...build(NUMBER_SLOT, html, TOKEN_SLOT), encoding: 'quoted-printable' };
    const written = (await writer.sendMail(mail)).message.toString('latin1');
    // A soft break (RFC 2045, 6.7) that quoted-printable put into a token goes around it.
    const token = new RegExp([...TOKEN_SLOT].join('(?:=\r\n)?'), 'g');
    const whole = written.replace(token, (found) => (found === TOKEN_SLOT ? found : `=\r\n${TOKEN_SLOT}=\r\n`));
    return whole.split(new RegExp(`(${NUMBER_SLOT}|${TOKEN_SLOT})`)).map((piece) => Buffer.from(piece, 'latin1'));
}

function stamp(pieces, number) {
    const slots = { [NUMBER_SLOT]: Buffer.from(String(number)), [TOKEN_SLOT]: Buffer.from(tokenOf(number)) };
    // What was cut out stands at every second place.
    return Buffer.concat(pieces.map((piece, place) => (place % 2 === 0 ? piece : slots[piece.toString('latin1')])));
}

/// Sends to `first`, `first + step` and so on; when it began and ended, in seconds of the machine's monotonic clock.
async function send(first, step, mailTo) {
    const transporter = nodemailer.createTransport({
        host,
        port: Number(port),
        name: HELLO,
        secure: false,
        ignoreTLS: true,
        pool: true,
        maxMessages: Infinity,
    });
    const now = () => Number(process.hrtime.bigint()) / 1e9;
    const start = now();
    let next = first;
    async function work() {
        while (next < count) {
            const number = next;
            next += step;
            await transporter.sendMail(mailTo(number));
        }
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, work));
    const end = now();
    transporter.close();
    return [start, end];
}

async function sendPrepared(html) {
    const pieces = await prepare(html);
    return send(cluster.worker.id - 1, PROCESSES, (number) => ({
        envelope: { from: SENDER, to: [address(number)] },
        raw: stamp(pieces, number),
    }));
}

/// What each process says when it has sent its share.
function spansOfWorkers() {
    const worker = () =>
        new Promise((resolve, reject) => {
            const forked = cluster.fork();
            forked.on('message', resolve);
            forked.on('exit', (code) => code === 0 || reject(new Error('a process could not send its share')));
        });
    return Promise.all(Array.from({ length: PROCESSES }, worker));
}

try {
    const html = readFileSync(htmlFile, 'utf8');
    if (cluster.isWorker) {
        process.send(await sendPrepared(html));
        process.disconnect();
    } else {
        const spans = how === 'built' ? [await send(0, 1, (number) => build(number, html))] : await spansOfWorkers();
        const [starts, ends] = [0, 1].map((side) => spans.map((span) => span[side]));
        console.log(JSON.stringify({ sent: count, seconds: Math.max(...ends) - Math.min(...starts) }));
    }
} catch (error) {
    fail(error.message);
}
