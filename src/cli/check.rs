//! `masthead check`: what a copy editor would mark.

use std::collections::{BTreeMap, HashSet};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use time::OffsetDateTime;

use super::archive::issue_files;
use super::context::{ConfigArgs, newsletter_for, told};
use super::parse::read_by;
use super::{Exit, advise, told_once};
use crate::config::Config;
use crate::inspect;
use crate::issue::check::{self, Email, Finding, PAGE_BREAK, Rule, Settings, Severity, Surroundings};
use crate::issue::{Archive, Issue, Manuscript};
use crate::newsletter::{Newsletter, Slug};
use crate::render;

mod diff;
mod excerpt;
pub(super) mod memory;

use excerpt::Paint;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The issue files; each is also checked against the others
    #[arg(required_unless_present = "rules", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print a list of findings as JSON
    #[arg(long)]
    json: bool,
    /// Mend what is certain in the files, and show the difference
    #[arg(long)]
    fix: bool,
    /// A folder of issues that were sent: numbers and links are checked against them, and against the link memory
    /// of the store where there is a masthead.toml
    #[arg(long, value_name = "DIR")]
    archive: Option<PathBuf>,
    /// The newsletter whose link memory is used, where there are several
    #[arg(long, value_name = "SLUG")]
    newsletter: Option<String>,
    /// Check the email that each issue makes too: support by mail clients, contrast, accessibility
    #[arg(long)]
    email: bool,
    /// Explain every rule, or the one named
    #[arg(long, value_name = "RULE", num_args = 0..=1, default_missing_value = "")]
    rules: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    if let Some(id) = &args.rules {
        return explain(id);
    }
    let in_project = args.config.config.exists() || args.newsletter.is_some();
    let config = in_project.then(|| args.config.load()).transpose()?;
    if let (Some(config), Some(slug)) = (&config, &args.newsletter) {
        config.newsletter(Some(slug)).map_err(told)?;
    }
    let mut desk = Desk { args, config, archives: BTreeMap::new(), trouble: false };
    let mut manuscripts = desk.read_all();
    desk.fill_archives(&manuscripts)?;
    let findings: Vec<Vec<Finding>> =
        manuscripts.iter_mut().map(|manuscript| desk.check(manuscript)).collect::<anyhow::Result<_>>()?;
    let found: Vec<_> = manuscripts.iter().zip(&findings).collect();
    if args.json {
        print_json(&found)?;
    } else {
        print_text(&found, args.fix)?;
    }
    let worst = findings.iter().flatten().map(|finding| finding.severity).max();
    Ok(match worst {
        _ if desk.trouble => Exit::Usage,
        Some(Severity::Warning | Severity::Error) => Exit::Findings,
        Some(Severity::Note) | None => Exit::Done,
    })
}

/// Where issues are checked: what is known of all of them.
struct Desk<'a> {
    args: &'a Args,
    /// None outside of a project.
    config: Option<Config>,
    /// What each newsletter had before; without a slug, for issues of which none is known.
    archives: BTreeMap<Option<Slug>, Archive>,
    /// A file could not be read.
    trouble: bool,
}

impl Desk<'_> {
    /// Reads the files given; one that cannot be read does not keep the others from being checked.
    fn read_all(&mut self) -> Vec<Manuscript> {
        let mut manuscripts = Vec::new();
        for file in &self.args.files {
            match read(file) {
                Ok(manuscript) => manuscripts.push(manuscript),
                Err(error) => {
                    errln!("error: {}", told_once(&error));
                    self.trouble = true;
                }
            }
        }
        manuscripts
    }

    /// Takes in what is known beside each issue: the store's link memory, the archive's files, the other files given.
    fn fill_archives(&mut self, manuscripts: &[Manuscript]) -> anyhow::Result<()> {
        for manuscript in manuscripts {
            let slug = self.newsletter(&manuscript.issue).map(|newsletter| newsletter.slug);
            if slug.is_none() && self.config.is_some() {
                errln!(
                    "warning: `{}` names none of the newsletters, so the link memory is not asked; say which with --newsletter",
                    manuscript.name
                );
            }
            self.archives.entry(slug).or_default();
        }
        if let Some(config) = &self.config {
            memory::recall(config, &mut self.archives);
        }
        let filed = match &self.args.archive {
            Some(folder) => self.read_archive(folder)?,
            None => Vec::new(),
        };
        for archive in self.archives.values_mut() {
            filed.iter().for_each(|(name, issue)| archive.add(issue, name));
            manuscripts.iter().for_each(|manuscript| archive.add(&manuscript.issue, &manuscript.name));
        }
        Ok(())
    }

    /// The issues below a folder with the names of their files, but for those that are checked.
    fn read_archive(&self, folder: &Path) -> anyhow::Result<Vec<(String, Issue)>> {
        let given: HashSet<PathBuf> = self.args.files.iter().filter_map(|file| file.canonicalize().ok()).collect();
        let mut issues = Vec::new();
        for file in issue_files(folder)? {
            if file.canonicalize().is_ok_and(|file| given.contains(&file)) {
                continue;
            }
            match read(&file) {
                Ok(manuscript) => issues.push((manuscript.name, manuscript.issue)),
                Err(error) => errln!("warning: left out of the archive: {}", told_once(&error)),
            }
        }
        Ok(issues)
    }

    /// The newsletter that an issue is of, where that is known.
    fn newsletter(&self, issue: &Issue) -> Option<Newsletter> {
        newsletter_for(self.config.as_ref()?, issue, self.args.newsletter.as_deref()).ok()
    }

    /// Checks an issue, and mends it if that is asked for.
    fn check(&self, manuscript: &mut Manuscript) -> anyhow::Result<Vec<Finding>> {
        let findings = self.findings(manuscript)?;
        if !self.args.fix {
            return Ok(findings);
        }
        // a mended place can lie in another: once more
        const PASSES: usize = 3;
        let path = PathBuf::from(&manuscript.name);
        let before = manuscript.file().to_owned();
        let mut findings = findings;
        for _ in 0..PASSES {
            let bytes = std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
            if Manuscript::read(&manuscript.name, &bytes).is_ok_and(|read| read.file() != manuscript.file()) {
                anyhow::bail!("`{}` was changed while it was checked; check it again", path.display());
            }
            let mended = check::fix(manuscript, &bytes, &findings)
                .with_context(|| format!("cannot mend `{}`", path.display()))?;
            let Some(mended) = mended else { break };
            replace(&path, &mended)?;
            *manuscript = read(&path)?;
            findings = self.findings(manuscript)?;
        }
        let difference = diff::unified(&manuscript.name, &before, manuscript.file());
        match self.args.json {
            true => err!("{difference}"),
            false => out!("{difference}"),
        }
        Ok(findings)
    }

    fn findings(&self, manuscript: &Manuscript) -> anyhow::Result<Vec<Finding>> {
        let known = self.newsletter(&manuscript.issue);
        let archive = self.archives.get(&known.as_ref().map(|newsletter| newsletter.slug.clone()));
        // with several newsletters, any makes an email as large
        let newsletter = known.map_or_else(|| render::sample_newsletter(&manuscript.issue), Ok)?;
        let html = render::html(&manuscript.issue, &newsletter)?;
        let remarks = self.args.email.then(|| inspect::remarks(manuscript, &html, &newsletter.theme));
        let around = Surroundings {
            archive,
            email: Some(Email { html: &html }),
            remarks: remarks.as_deref(),
            newsletter: self.config.is_some().then_some(&newsletter),
            today: Some(OffsetDateTime::now_utc().date()),
        };
        let settings = self.config.as_ref().map(|config| config.check.clone()).unwrap_or_default();
        Ok(check::check(manuscript, &around, &settings))
    }
}

/// What would stop a send: the errors of an issue whose email is `html`.
///
/// What lies beyond the file, the numbers and links of earlier issues, the ledger knows itself.
pub(super) fn errors(
    manuscript: &Manuscript,
    newsletter: &Newsletter,
    html: &str,
    settings: &Settings,
) -> Vec<Finding> {
    let remarks = inspect::remarks(manuscript, html, &newsletter.theme);
    let around = Surroundings {
        email: Some(Email { html }),
        remarks: Some(&remarks),
        newsletter: Some(newsletter),
        today: Some(OffsetDateTime::now_utc().date()),
        ..Surroundings::default()
    };
    let mut errors = check::check(manuscript, &around, settings);
    errors.retain(|finding| finding.severity == Severity::Error);
    errors
}

/// Reads an issue file with all its places.
pub(super) fn read(file: &Path) -> anyhow::Result<Manuscript> {
    if file.is_dir() {
        let name = file.display();
        return Err(advise(&format!("`{name}` is a folder"), &format!("name its files: `masthead check {name}/*.md`")));
    }
    read_by(file, Manuscript::read)
}

/// Puts new content in a file's place, whole or not at all.
fn replace(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let path = path.canonicalize().with_context(|| format!("cannot find `{}`", path.display()))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(content)?;
        file.set_permissions(std::fs::metadata(&path)?.permissions())?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)
    };
    write()
        .inspect_err(|_| _ = std::fs::remove_file(&beside))
        .with_context(|| format!("cannot write `{}`", path.display()))
}

/// A finding as scripts read it; fields are only ever added.
#[derive(serde::Serialize)]
struct Row<'a> {
    rule: &'a str,
    severity: Severity,
    file: &'a str,
    line: usize,
    column: usize,
    message: &'a str,
    hint: &'a str,
}

fn print_json(found: &[(&Manuscript, &Vec<Finding>)]) -> anyhow::Result<()> {
    let rows = found.iter().flat_map(|(manuscript, findings)| {
        findings.iter().map(|finding| Row {
            rule: finding.rule,
            severity: finding.severity,
            file: &manuscript.name,
            line: finding.line,
            column: finding.column,
            message: &finding.message,
            hint: &finding.hint,
        })
    });
    outln!("{}", serde_json::to_string_pretty(&rows.collect::<Vec<_>>())?);
    Ok(())
}

/// Findings of one rule in one file that are shown, one below the other; nobody reads more.
const SHOWN: usize = 10;

/// Prints the findings; when files were mended, the difference has standard output for itself.
fn print_text(found: &[(&Manuscript, &Vec<Finding>)], mended: bool) -> anyhow::Result<()> {
    let to_terminal = if mended { std::io::stderr().is_terminal() } else { std::io::stdout().is_terminal() };
    let text: String = found.iter().map(|(manuscript, findings)| show(manuscript, findings, to_terminal)).collect();
    match mended {
        true => err!("{text}"),
        false => out!("{text}"),
    }
    errln!("{}", summary(found, mended));
    Ok(())
}

/// Findings as a person reads them on standard error.
pub(super) fn shown(manuscript: &Manuscript, findings: &[Finding]) -> String {
    show(manuscript, findings, std::io::stderr().is_terminal())
}

fn show(manuscript: &Manuscript, findings: &[Finding], to_terminal: bool) -> String {
    let paint = Paint { colour: to_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) };
    let mut text = String::new();
    for (_, rule, findings) in check::by_rule(findings, |finding| (finding.severity, finding.rule)) {
        for finding in findings.iter().take(SHOWN) {
            text.push_str(&excerpt::show(manuscript, finding, paint));
            text.push('\n');
        }
        let more = findings.len().saturating_sub(SHOWN);
        if more > 0 {
            text.push_str(&format!("… and {more} more `{rule}` in {}; --json has all\n\n", manuscript.name));
        }
    }
    text
}

/// `2 errors, 1 warning and 0 notes in 3 files; --fix mends 1`
fn summary(found: &[(&Manuscript, &Vec<Finding>)], mended: bool) -> String {
    let all = || found.iter().flat_map(|(_, findings)| findings.iter());
    let count = |severity| {
        let count = all().filter(|finding| finding.severity == severity).count();
        format!("{count} {severity}{}", if count == 1 { "" } else { "s" })
    };
    let files = match found.len() {
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    };
    let certain = all().filter(|finding| !finding.edits.is_empty()).count();
    let certain = if certain > 0 && !mended { format!("; --fix mends {certain}") } else { String::new() };
    let [errors, warnings, notes] = [Severity::Error, Severity::Warning, Severity::Note].map(count);
    format!("{errors}, {warnings} and {notes} in {files}{certain}")
}

/// A line of an example, as far as it is worth reading.
fn cut(line: &str) -> String {
    const LONGEST: usize = 400;
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… and so on, {} KB", &line[..end], line.len() / 1024),
        None => line.to_owned(),
    }
}

/// Explains all rules, or one.
fn explain(id: &str) -> anyhow::Result<Exit> {
    let rules: Vec<&Rule> = check::rules().filter(|rule| id.is_empty() || rule.id == id).collect();
    if rules.is_empty() {
        return Err(advise(&format!("there is no rule `{id}`"), "`masthead check --rules` lists them"));
    }
    let mut text = String::new();
    for rule in rules {
        text.push_str(&format!("{} ({}): {}\n  {}\n", rule.id, rule.severity, rule.summary, rule.why));
        for (name, example) in [("bad", rule.bad), ("good", rule.good)] {
            let example = example.trim_end().replace(PAGE_BREAK.trim(), "… and in another file:");
            if example.is_empty() {
                continue;
            }
            text.push_str(&format!("\n  {name}:\n"));
            text.extend(example.lines().map(|line| format!("    {}", cut(line)).trim_end().to_owned() + "\n"));
        }
        text.push('\n');
    }
    outln!("{}", text.trim_end());
    Ok(Exit::Done)
}
