// Checks HTML files with html-validate, and in Chromium with axe-core; prints a finding a line, as JSON.
//
//   page.mjs BROWSER AXE < FILES       one path a line
//
// Everything that the files ask for over the network fails: so the looks are those with images off.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [browserPath, axePath] = process.argv.slice(2);
const files = readFileSync(0, 'utf8').split('\n').filter((line) => line !== '');
const axe = readFileSync(axePath, 'utf8');
// Modules lie where npm put them, which is the working directory.
const { HtmlValidate } = createRequire(join(process.cwd(), 'package.json'))('html-validate');

function print(checker, file, rule, detail) {
    console.log(JSON.stringify({ checker, file, rule, detail }));
}

async function validate(file) {
    const validator = new HtmlValidate({ root: true, extends: ['html-validate:recommended'] });
    const report = await validator.validateString(readFileSync(file, 'utf8'));
    for (const { ruleId, message, selector } of report.results.flatMap((result) => result.messages)) {
        print('html-validate', file, ruleId, selector ? `${message}, at ${selector}` : message);
    }
}

/// Chromium without a window; `call` sends a command of the DevTools protocol to its one tab.
async function start() {
    const profile = mkdtempSync(join(tmpdir(), 'mail-checkers-'));
    const child = spawn(
        browserPath,
        [
            '--headless', '--remote-debugging-pipe', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
            '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
            '--hide-scrollbars', '--disable-extensions', '--host-resolver-rules=MAP * ~NOTFOUND',
            `--user-data-dir=${profile}`,
        ],
        { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
    );
    const [, , , commands, answers] = child.stdio;
    const waiting = new Map();
    let lastId = 0;
    let session;
    let loaded = () => {};
    let rest = '';
    answers.setEncoding('utf8').on('data', (data) => {
        const messages = (rest + data).split('\0');
        rest = messages.pop();
        for (const { id, method, result, error } of messages.map((message) => JSON.parse(message))) {
            if (method === 'Page.loadEventFired') loaded();
            const { resolve, reject } = waiting.get(id) ?? {};
            if (error) reject?.(new Error(error.message));
            else resolve?.(result);
            waiting.delete(id);
        }
    });
    const call = (method, params = {}) => {
        const id = ++lastId;
        commands.write(`${JSON.stringify({ id, method, params, sessionId: session })}\0`);
        return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    };
    const { targetId } = await call('Target.createTarget', { url: 'about:blank' });
    session = (await call('Target.attachToTarget', { targetId, flatten: true })).sessionId;
    await call('Page.enable');
    return {
        async open(file) {
            const load = new Promise((resolve) => { loaded = resolve; });
            await call('Page.navigate', { url: pathToFileURL(file).href });
            await load;
        },
        async look(width, scheme) {
            const size = { width, height: 800, deviceScaleFactor: 1, mobile: false };
            await call('Emulation.setDeviceMetricsOverride', size);
            await call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
        },
        async value(expression) {
            const wanted = { expression, awaitPromise: true, returnByValue: true };
            const { result, exceptionDetails } = await call('Runtime.evaluate', wanted);
            if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
            return result.value;
        },
        async end() {
            const gone = new Promise((resolve) => child.on('exit', resolve));
            session = undefined;
            await call('Browser.close');
            await gone;
            // what it started may still be writing
            rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
        },
    };
}

const VIOLATIONS = `axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations.flatMap((rule) =>
    rule.nodes.map((node) => [rule.id, node.target.join(' ') + ': ' + node.failureSummary.replace(/\\s+/g, ' ')])))`;

/// What is wider than a phone of 320 pixels.
async function measure(browser, file, rule) {
    for (const scheme of ['light', 'dark']) {
        await browser.look(320, scheme);
        const [wide, window] = await browser.value('[document.documentElement.scrollWidth, innerWidth]');
        if (wide > window) print('chromium', file, rule, `${wide} pixels wide in a window of ${window}, ${scheme}`);
    }
}

async function show(browser, file) {
    await browser.open(file);
    await browser.value(`${axe}; true`);
    const seen = new Map();
    for (const scheme of ['light', 'dark']) {
        for (const width of [360, 800]) {
            await browser.look(width, scheme);
            for (const [rule, detail] of await browser.value(VIOLATIONS)) {
                const looks = seen.get(`${rule}\n${detail}`) ?? [];
                seen.set(`${rule}\n${detail}`, [...looks, `${scheme} ${width}`]);
            }
        }
    }
    for (const [found, looks] of seen) print('axe-core', file, ...`${found} (${looks.join(', ')})`.split('\n'));
    await measure(browser, file, 'sideways-scroll');
    await browser.value(`document.querySelectorAll('style').forEach((style) => style.remove())`);
    await measure(browser, file, 'sideways-scroll-without-style');
}

const browser = await start();
try {
    for (const file of files) {
        await validate(file);
        await show(browser, file);
    }
} finally {
    await browser.end();
}
