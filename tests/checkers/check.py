"""Renders issues and runs the checkers over the mails; see `tests/mail-checkers`."""

import argparse
import base64
import json
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent

# What is asked of every mail.
LARGEST = 80 * 1024  # octets of HTML; Gmail clips at some 102 KB
LONGEST = 998  # octets of a line without its end (RFC 5322 2.1.1)
WIDEST = 72  # columns of the text part
SPAM = 0.1  # points of SpamAssassin without the network

BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]

Mail = namedtuple("Mail", "name source folder")
Finding = namedtuple("Finding", "checker mail rule detail")

CHECKERS = [
    "html-validate", "nu", "axe-core", "chromium", "check-email", "spamassassin", "dkimpy", "size", "lines", "text",
]


# The mails.


def own_issues():
    issues = [*ROOT.glob("tests/it/parse/*.md"), *FOLDER.glob("issues/*.md")]
    return [ROOT / "deploy/sample-issue.md", *sorted(issues)]


def render(masthead, file, project, work):
    """Renders an issue as the newsletter that it says it is from, signed with the project's key."""
    issue = json.loads(run([masthead, "parse", file]))
    config = project / "issue.toml"
    config.write_text(configuration(issue), encoding="utf-8")
    name = f"{file.parent.name}-{file.stem}"
    mail = Mail(name, file, work / "mails" / name)
    run([masthead, "render", file, "--config", config, "--out", mail.folder])
    return mail


def configuration(issue):
    """A masthead.toml for one issue; a JSON string is a TOML string too."""
    name = " ".join((issue["newsletter"] or "Newsletter").split())
    return f"""
[newsletter.letters]
name = {json.dumps(name, ensure_ascii=False)}
from = "editor@newsletter.example.org"
postal_address = "1 Example Street, 12345 Example City"
language = {json.dumps(issue["language"])}

[web]
base_url = "https://newsletter.example.org"

[dkim]
selector = "masthead"
key_file = "dkim.pem"
"""


def new_key(masthead, project):
    """Makes a DKIM key for a project; the record's name and value."""
    config = project / "masthead.toml"
    config.write_text(configuration({"newsletter": None, "language": "en"}), encoding="utf-8")
    said = run([masthead, "doctor", "--new-key", "--config", config, "--out", project / "dkim.pem"])
    return [re.search(rf"^{word} +(.*)$", said, re.MULTILINE)[1] for word in ["name", "value"]]


# The checkers: mails to findings.


def pages(mails, node, work):
    """html-validate, axe-core and what Chromium measures."""
    browser = next(filter(None, map(shutil.which, BROWSERS)))
    axe = ROOT / "tests/vendor/axe-core/axe.min.js"
    files = {str(path_of(mail)): mail for mail in mails}
    said = run([node, FOLDER / "page.mjs", browser, axe], input="\n".join(files), cwd=work)
    found = map(json.loads, said.splitlines())
    return [Finding(each["checker"], files[each["file"]].name, each["rule"], each["detail"]) for each in found]


def nu(mails, work):
    # it writes file:/path
    mail_of = {"file:" + path_of(mail).as_uri().removeprefix("file://"): mail.name for mail in mails}
    jar = work / "node_modules/vnu-jar/build/dist/vnu.jar"
    said = run(["java", "-jar", jar, "--stdout", "--exit-zero-always", "--format", "json", *map(path_of, mails)])
    for message in json.loads(said)["messages"]:
        mail = mail_of["file:" + message["url"].removeprefix("file:").removeprefix("//")]
        yield Finding("nu", mail, message.get("subType", message["type"]), message["message"])


def path_of(mail):
    return mail.folder / "issue.html"


def spamassassin(mails):
    """The rules that gave points, of each mail that has more than it may."""
    # SpamAssassin takes them in the order of the command line, and writes every mail out again
    points = "add_header all Points _TESTSSCORES_"
    said = run(["spamassassin", "-L", "--cf", points, *(mail.folder / "issue.eml" for mail in mails)])
    verdicts = re.findall(r"^X-Spam-Points: (.*(?:\n[ \t].*)*)", said, re.MULTILINE)
    for mail, verdict in zip(mails, verdicts, strict=True):
        rules = [rule.split("=") for rule in "".join(verdict.split()).split(",") if "=" in rule]
        if sum(float(points) for _, points in rules) > SPAM:
            guilty = [(rule, points) for rule, points in rules if float(points) > 0.01]
            yield from (Finding("spamassassin", mail.name, *each) for each in guilty)


def dkimpy(mails, record):
    encode = lambda octets: base64.b64encode(octets).decode()
    name, value = (encode(word.encode()) for word in record)
    lines = [f"{name} {value} {encode((mail.folder / 'issue.eml').read_bytes())}" for mail in mails]
    verdicts = run(["/usr/bin/python3", ROOT / "tests/it/dkim/verify.py"], input="\n".join(lines)).splitlines()
    judged = zip(mails, verdicts, strict=True)
    return [Finding("dkimpy", mail.name, "signature", verdict) for mail, verdict in judged if verdict != "ok"]


def check_email(mails, masthead):
    """What `check --email` says of the email itself; the rest is for a copy editor."""
    name = {str(mail.source): mail.name for mail in mails if mail.source}
    found = json.loads(run([masthead, "check", "--email", "--json", *name], findings_exit=1))
    return [
        Finding("check-email", name[each["file"]], each["rule"], each["message"])
        for each in found
        if each["rule"].startswith("email-")
    ]


def size(mails):
    for mail in mails:
        octets = path_of(mail).stat().st_size
        if octets > LARGEST:
            yield Finding("size", mail.name, "html", f"{octets} octets")


def lines(mails):
    for mail in mails:
        message = (mail.folder / "issue.eml").read_bytes()
        if re.search(rb"(?<!\r)\n|\r(?!\n)", message):
            yield Finding("lines", mail.name, "line-end", "a CR or LF alone")
        longest = max(map(len, message.split(b"\r\n")))
        if longest > LONGEST:
            yield Finding("lines", mail.name, "length", f"a line of {longest} octets")


def text(mails):
    for mail in mails:
        for line in (mail.folder / "issue.txt").read_text(encoding="utf-8").splitlines():
            # an address stands alone, perhaps in brackets and with a full stop behind
            if columns(line) > WIDEST and not re.fullmatch(r"\s*\S*(https?://|mailto:)\S+\W*", line):
                yield Finding("text", mail.name, "width", f"{columns(line)} columns: {line}")
            if re.search(r"<(https?://|mailto:)[^>]*$", line):
                yield Finding("text", mail.name, "address", f"broken before its end: {line}")


def columns(line):
    """How wide a terminal shows a line: wide characters are two, marks and what joins emoji none."""
    # what comes behind a joiner is part of the emoji before; lam and alef are one letter
    joined = re.sub("\u200d.|(?<=\u0644)[\u0622\u0623\u0625\u0627]", "", line)
    joined = [char for char in joined if unicodedata.category(char) not in {"Mn", "Me", "Cf"}]
    return len(joined) + sum(unicodedata.east_asian_width(char) in {"W", "F"} for char in joined)


# What is allowed.


class Allowed:
    """The findings of one checker that the mails stand with.

    The file is paragraphs: the reason as comments, then patterns for `rule: detail`.
    """

    def __init__(self, checker):
        self.file = FOLDER / "allowed" / f"{checker}.txt"
        self.used = set()
        self.patterns = []
        written = self.file.read_text(encoding="utf-8") if self.file.exists() else ""
        for paragraph in filter(None, map(str.strip, written.split("\n\n"))):
            entries = paragraph.splitlines()
            patterns = [line for line in entries if not line.startswith("#")]
            if not entries[0].startswith("#") or not patterns:
                sys.exit(f"error: {self.file}: a reason in a comment, then patterns are wanted: {entries[0]}")
            self.patterns += patterns

    def covers(self, finding):
        for pattern in self.patterns:
            if re.match(pattern, f"{finding.rule}: {finding.detail}", re.DOTALL):
                self.used.add(pattern)
                return True
        return False

    def unused(self):
        return [pattern for pattern in self.patterns if pattern not in self.used]


def run(command, input=None, cwd=None, findings_exit=0):
    """What a program prints; ends here if it fails."""
    command = list(map(str, command))
    done = subprocess.run(command, input=input, cwd=cwd, capture_output=True, encoding="utf-8")
    if done.returncode not in {0, findings_exit}:
        sys.exit(f"error: {' '.join(command[:4])} … ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser(prog="tests/mail-checkers")
    parser.add_argument("--programs", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--node", required=True, help=argparse.SUPPRESS)
    parser.add_argument("files", metavar="FILE", nargs="*", type=Path, help="issues to look at instead of our own")
    options = parser.parse_args()
    masthead = options.programs / "masthead"

    shutil.rmtree(options.work / "mails", ignore_errors=True)
    with tempfile.TemporaryDirectory() as project:
        record = new_key(masthead, Path(project))
        files = [file.resolve() for file in options.files] or own_issues()
        mails = [render(masthead, file, Path(project), options.work) for file in files]
        if not options.files:
            notices = options.work / "mails/notices"
            run([options.programs / "examples/notices", notices, Path(project) / "dkim.pem"])
            mails += [Mail(folder.name, None, folder) for folder in sorted(notices.iterdir())]

    with ThreadPoolExecutor(2) as pool:
        slow = [
            pool.submit(lambda: pages(mails, options.node, options.work)),
            pool.submit(lambda: [*nu(mails, options.work), *spamassassin(mails), *check_email(mails, masthead)]),
        ]
        found = [finding for task in slow for finding in task.result()]
    found += [*dkimpy(mails, record), *size(mails), *lines(mails), *text(mails)]
    sys.exit(report(mails, found, is_own=not options.files))


def report(mails, found, is_own):
    """Prints what is not allowed, and a table; 1 if there was anything."""
    allowed = {checker: Allowed(checker) for checker in CHECKERS}
    left = [finding for finding in found if not allowed[finding.checker].covers(finding)]
    for finding in left:
        print(f"{finding.mail}: {finding.checker}: {finding.rule}: {finding.detail}")
    unused = [(checker, pattern) for checker in CHECKERS for pattern in allowed[checker].unused()] if is_own else []
    for checker, pattern in unused:
        print(f"{allowed[checker].file.relative_to(ROOT)}: allows nothing: {pattern}")
    print(f"\n{'checker':<14}{'mails':>7}{'allowed':>9}{'findings':>10}")
    for checker in CHECKERS:
        count = lambda findings: sum(finding.checker == checker for finding in findings)
        print(f"{checker:<14}{len(mails):>7}{count(found) - count(left):>9}{count(left):>10}")
    return 1 if left or unused else 0


if __name__ == "__main__":
    main()
