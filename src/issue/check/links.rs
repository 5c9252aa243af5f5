//! Links: where they lead, and what they say.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use url::{Host, Url};

use super::super::Manuscript;
use super::super::address::without_tracking;
use super::super::manuscript::{Block, Link, RunKind};
use super::{Context, Mark, Rule, Severity};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "link-empty",
        severity: Severity::Error,
        summary: "a link or image without an address",
        why: "It leads nowhere.",
        bad: "# Harbour Weekly #12: Slow Software\n\nRead about [tides]().\n",
        good: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](https://tides.example/).\n",
        check: empty,
    },
    Rule {
        id: "link-malformed",
        severity: Severity::Error,
        summary: "an address that no browser can open, or a link that Markdown does not read as one",
        why: "Readers get an error, or see brackets.",
        bad: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](https//tides.example/).\n",
        good: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](https://tides.example/).\n",
        check: malformed,
    },
    Rule {
        id: "link-scheme",
        severity: Severity::Warning,
        summary: "a link that is for another program than a browser",
        why: "Mail clients open links of the web and of mail; others are left out of the email.",
        bad: "# Harbour Weekly #12: Slow Software\n\nTalk about [tides](irc://irc.tides.example/harbour).\n",
        good: "# Harbour Weekly #12: Slow Software\n\nTalk about [tides](https://chat.tides.example/harbour).\n",
        check: scheme,
    },
    Rule {
        id: "link-relative",
        severity: Severity::Error,
        summary: "an address that is none outside the site it was written for",
        why: "An email lies on no site: the link is left out of it.",
        bad: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](/posts/tides).\n",
        good: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](https://tides.example/posts/tides).\n",
        check: relative,
    },
    Rule {
        id: "link-localhost",
        severity: Severity::Error,
        summary: "an address that only the editor's own machine or network knows",
        why: "It works for the editor, and for nobody else.",
        bad: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](http://localhost:4000/tides).\n",
        good: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](https://tides.example/).\n",
        check: localhost,
    },
    Rule {
        id: "link-http",
        severity: Severity::Warning,
        summary: "a link over plain http",
        why: "Anybody on the way can read and change it; browsers warn, and most sites have https.",
        bad: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](http://tides.example/).\n",
        good: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](https://tides.example/).\n",
        check: http,
    },
    Rule {
        id: "link-shortener",
        severity: Severity::Warning,
        summary: "a link through a shortener",
        why: "Readers cannot see where it leads, spam filters distrust it, and it dies with its service.",
        bad: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](https://bit.ly/3xTides).\n",
        good: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](https://tides.example/).\n",
        check: shortener,
    },
    Rule {
        id: "link-tracking",
        severity: Severity::Warning,
        summary: "an address with parameters that only say who sent the reader",
        why: "It tells the site about our readers, and tells us that the link was copied from somebody's mail.",
        bad: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](https://tides.example/?utm_source=feed&id=7).\n",
        good: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](https://tides.example/?id=7).\n",
        check: tracking,
    },
    Rule {
        id: "link-double-slash",
        severity: Severity::Warning,
        summary: "an address with two slashes in its path",
        why: "Some servers take it for another page, or for none.",
        bad: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](https://tides.example//posts/tides).\n",
        good: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](https://tides.example/posts/tides).\n",
        check: double_slash,
    },
    Rule {
        id: "link-no-text",
        severity: Severity::Error,
        summary: "a link without text",
        why: "There is nothing to see, and nothing to click.",
        bad: "# Harbour Weekly #12: Slow Software\n\nRead about tides [](https://tides.example/).\n",
        good: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](https://tides.example/).\n",
        check: no_text,
    },
    Rule {
        id: "link-text-generic",
        severity: Severity::Note,
        summary: "a link whose text does not say where it leads",
        why: "Who lets a screen reader read out the links hears \"here, here, here\".",
        bad: "# Harbour Weekly #12: Slow Software\n\nTo read about tides, click [here](https://tides.example/).\n",
        good: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](https://tides.example/).\n",
        check: generic_text,
    },
];

/// An address in the issue, with the place to mark.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) url: &'a str,
    span: Range<usize>,
    address: Option<Range<usize>>,
    kind: Kind,
}

/// Where an address stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Link,
    /// A link of which nothing is to be seen.
    Silent,
    Image,
    /// Among words; mail clients make a link of it.
    Words,
}

impl Target<'_> {
    /// What to mark: the address, else all of the link.
    pub(super) fn place(&self) -> &Range<usize> {
        self.address.as_ref().unwrap_or(&self.span)
    }

    /// The address in its parts, if it is one of the web.
    fn web(&self) -> Option<Url> {
        Url::parse(self.url.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
    }

    /// Whether it leads to nowhere but the editor's own machine or network.
    fn is_local(&self) -> bool {
        let Some(url) = self.web() else { return false };
        match url.host() {
            Some(Host::Domain(host)) => {
                let host = host.trim_end_matches('.');
                let ending = host.rsplit('.').next().unwrap_or_default();
                matches!(ending, "localhost" | "local" | "internal" | "lan" | "localdomain")
            }
            Some(Host::Ipv4(ip)) => {
                ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip == Ipv4Addr::UNSPECIFIED
            }
            Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip == Ipv6Addr::UNSPECIFIED,
            None => false,
        }
    }
}

impl<'a> Context<'a> {
    /// All addresses: of links and images, and those among the words. Looked up once.
    pub(super) fn targets(&self) -> &[Target<'a>] {
        self.targets.get_or_init(|| {
            let manuscript = self.manuscript;
            let silent = |link: &Link| link.text.is_empty() && !link.pictured && !link.bare;
            let links = manuscript.links.iter().map(|link| Target {
                url: &link.url,
                span: link.span.clone(),
                address: link.address.clone(),
                kind: if silent(link) { Kind::Silent } else { Kind::Link },
            });
            let images = manuscript.images.iter().map(|image| Target {
                url: &image.url,
                span: image.span.clone(),
                address: image.address.clone(),
                kind: Kind::Image,
            });
            let words = addresses_among_words(manuscript).into_iter().map(|span| Target {
                url: manuscript.slice(&span),
                address: Some(span.clone()),
                span,
                kind: Kind::Words,
            });
            links.chain(images).chain(words).collect()
        })
    }
}

/// Where `http://…` stands among words, as GitHub and mail clients find it.
fn addresses_among_words(manuscript: &Manuscript) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    for words in manuscript.blocks.iter().flat_map(Block::phrases) {
        addresses_in(manuscript, &words, &mut places);
    }
    places
}

fn addresses_in(manuscript: &Manuscript, words: &Range<usize>, places: &mut Vec<Range<usize>>) {
    let text = manuscript.slice(words);
    let mut end = 0;
    for (at, _) in text.match_indices("://") {
        let (before, rest) = text.split_at(at);
        let Some(scheme) = ["https", "http"].iter().find(|scheme| before.ends_with(**scheme)) else { continue };
        let start = at - scheme.len();
        let apart = !text[..start].ends_with(|c: char| c.is_ascii_alphanumeric());
        if start < end || !apart || !rest["://".len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[') {
            continue;
        }
        end = at + rest.find(|c: char| !c.is_ascii_graphic() || "<>\"`|\\".contains(c)).unwrap_or(rest.len());
        let whole = without_punctuation(&text[start..end]);
        places.push(words.start + start..words.start + start + whole.len());
    }
}

/// The address without what belongs to the sentence around it.
fn without_punctuation(address: &str) -> &str {
    let open = address.matches('(').count();
    let mut closed = address.matches(')').count();
    let ours = |c: char| match c {
        ')' if closed > open => {
            closed -= 1;
            true
        }
        c => ".,;:!?'*_~]".contains(c),
    };
    address.trim_end_matches(ours)
}

/// Marks each address of which `find` has something to say.
fn each<'a>(
    context: &Context<'a>,
    find: impl Fn(&Target<'a>) -> Option<(Cow<'static, str>, Cow<'static, str>)>,
) -> Vec<Mark> {
    let found = context.targets().iter().filter_map(|target| Some((target, find(target)?)));
    found.map(|(target, (message, hint))| context.mark(target.place(), message, hint)).collect()
}

/// The same for links and images alone. A link that shows nothing has no other finding that matters.
fn each_shown<'a>(
    context: &Context<'a>,
    find: impl Fn(&Target<'a>) -> Option<(Cow<'static, str>, Cow<'static, str>)>,
) -> Vec<Mark> {
    each(context, |target| matches!(target.kind, Kind::Link | Kind::Image).then(|| find(target))?)
}

fn empty(context: &Context<'_>) -> Vec<Mark> {
    each_shown(context, |target| {
        let what = if target.kind == Kind::Image { "this image has no address" } else { "this link leads nowhere" };
        target.url.trim().is_empty().then(|| (what.into(), "put the address between the parentheses".into()))
    })
}

fn malformed(context: &Context<'_>) -> Vec<Mark> {
    let mut marks = each_shown(context, |target| {
        let (what, hint) = defect(target.url.trim())?;
        Some((what, hint.into()))
    });
    marks.extend(unread(context));
    marks
}

/// What is wrong with an address.
fn defect(url: &str) -> Option<(Cow<'static, str>, &'static str)> {
    const WHOLE: &str = "copy the whole address again";
    if let Some(c) = url.chars().find(|c| c.is_whitespace() || "<>\"\\`，。、；）】》」“”".contains(*c)) {
        return Some((format!("there is `{c}` in this address").into(), "the address ends before it, or is two"));
    }
    let lower = url.to_ascii_lowercase();
    let Some((scheme, rest)) = lower.split_once(':') else {
        let broken = ["https//", "http//", "ttps//"].iter().any(|start| lower.starts_with(start));
        return broken.then(|| ("there is no `:` behind the scheme".into(), "write `https://`"));
    };
    match scheme {
        "http" | "https" => {}
        "mailto" => return (!rest.contains('@')).then(|| ("this is no email address".into(), WHOLE)),
        "ttp" | "ttps" | "htp" | "htps" | "htttp" | "htttps" | "hhttp" | "hhttps" | "httpss" | "httsp" => {
            return Some((format!("`{scheme}:` is misspelt").into(), "write `https:`"));
        }
        // another rule's
        _ => return None,
    }
    let Some(rest) = rest.strip_prefix("//") else {
        return Some(("there are no two slashes behind the scheme".into(), "write `https://`"));
    };
    if ["http:", "https:", "http//", "https//"].iter().any(|again| rest.starts_with(again)) {
        return Some(("the scheme is there twice".into(), "take one out"));
    }
    match Url::parse(url) {
        Err(error) => Some((format!("no browser opens this address: {error}").into(), WHOLE)),
        Ok(url) => match url.host() {
            Some(Host::Domain(host)) if host.contains("..") || (!host.contains('.') && host != "localhost") => {
                Some((format!("there is no host `{host}`").into(), WHOLE))
            }
            Some(_) if !url.username().is_empty() || url.password().is_some() => {
                Some(("there is a name or a password before the host".into(), "take it out, up to the `@`"))
            }
            Some(_) if has_lone_percent(url.path()) => {
                Some(("there is a `%` in this path that stands for no character".into(), "write `%25` if it is meant"))
            }
            Some(_) => None,
            None => Some(("there is no host in this address".into(), WHOLE)),
        },
    }
}

/// Whether a `%` has no two digits behind it.
fn has_lone_percent(path: &str) -> bool {
    let hex = |digits: &[u8]| digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit);
    path.match_indices('%').any(|(at, _)| !path.as_bytes().get(at + 1..at + 3).is_some_and(hex))
}

/// `[text] (https://…)` and `[text](two words)`: brackets that Markdown takes for words.
fn unread(context: &Context<'_>) -> Vec<Mark> {
    let mut marks = Vec::new();
    for block in &context.manuscript.blocks {
        for run in block.runs.iter().filter(|run| run.kind == RunKind::Words) {
            let text = context.manuscript.slice(&run.span);
            let Some(first) = text.find('[') else { continue };
            for (at, _) in text.match_indices(']').skip_while(|(at, _)| *at < first) {
                let rest = text.get(at + 1..).unwrap_or_default();
                let inner = rest.trim_start_matches(' ').strip_prefix(['(', '（']);
                let address = |inner: &str| inner.starts_with("http://") || inner.starts_with("https://");
                let before = text.get(..at).unwrap_or_default();
                if !inner.is_some_and(address) {
                    continue;
                }
                let start = run.span.start + before.rfind('[').unwrap_or(at);
                let closing = rest.match_indices([')', '）']).next();
                let end = run.span.start + at + 1 + closing.map_or(0, |(end, bracket)| end + bracket.len());
                let hint = "write `[text](address)`, without a space between or in the address";
                marks.push(context.mark(&(start..end), "this is not read as a link", hint));
                break;
            }
        }
    }
    marks
}

fn scheme(context: &Context<'_>) -> Vec<Mark> {
    each_shown(context, |target| {
        let url = target.url.trim();
        let scheme = scheme_of(url)?;
        let known =
            ["http", "https", "mailto"].contains(&scheme.as_str()) || (scheme == "data" && target.kind == Kind::Image);
        (!known && defect(url).is_none())
            .then(|| (format!("mail clients open no `{scheme}:` links").into(), "link to a page on the web".into()))
    })
}

/// What stands before the colon, if it is a scheme: no path, and no host with a port.
fn scheme_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once(':')?;
    let fine = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-".contains(c))
        && !rest.starts_with(|c: char| c.is_ascii_digit());
    fine.then(|| scheme.to_ascii_lowercase())
}

fn relative(context: &Context<'_>) -> Vec<Mark> {
    each_shown(context, |target| {
        let url = target.url.trim();
        if url.is_empty() || scheme_of(url).is_some() || defect(url).is_some() {
            return None;
        }
        let host = url.split('/').next().unwrap_or_default();
        Some(match url {
            _ if url.starts_with("//") => ("this address has no scheme".into(), format!("write `https:{url}`").into()),
            _ if url.starts_with('#') => {
                ("mail clients follow no links inside an email".into(), "take the link out".into())
            }
            _ if host.starts_with("www.") || (host.contains('.') && url.contains('/') && !host.starts_with('.')) => {
                ("this address has no scheme".into(), format!("write `https://{url}`").into())
            }
            _ => {
                ("this address is relative, and an email lies on no site".into(), "write it from `https://` on".into())
            }
        })
    })
}

fn localhost(context: &Context<'_>) -> Vec<Mark> {
    each(context, |target| {
        let local = target.is_local();
        local.then(|| ("this address works on your machine or network only".into(), "link to the public page".into()))
    })
}

fn http(context: &Context<'_>) -> Vec<Mark> {
    each(context, |target| {
        let plain = target.url.trim().get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
        // images have a rule of their own
        (plain && target.kind != Kind::Image && !target.is_local()).then(|| {
            (
                "this link is plain http".into(),
                "write https:// if the page is there under it; else allow it here".into(),
            )
        })
    })
}

fn shortener(context: &Context<'_>) -> Vec<Mark> {
    each(context, |target| {
        let url = target.web()?;
        let host = url.host_str()?.trim_start_matches("www.");
        let short = SHORTENERS.contains(&host) && url.path().len() > 1;
        short.then(|| (format!("`{host}` hides where this link leads").into(), "open it, and link to that page".into()))
    })
}

/// Hosts that do nothing but redirect to other people's pages.
#[rustfmt::skip]
const SHORTENERS: [&str; 44] = [
    "bit.ly", "bitly.com", "j.mp", "tinyurl.com", "t.co", "goo.gl", "ow.ly", "is.gd", "v.gd", "buff.ly", "rebrand.ly",
    "cutt.ly", "shorturl.at", "tiny.cc", "t.ly", "rb.gy", "bl.ink", "lnkd.in", "dlvr.it", "ift.tt", "trib.al", "adf.ly",
    "shorte.st", "soo.gd", "s.id", "qr.ae", "x.co", "snip.ly", "po.st", "urlz.fr", "hubs.ly", "hubs.la", "mcaf.ee",
    "amzn.to", "fb.me", "git.io", "b23.tv", "t.cn", "dwz.cn", "url.cn", "suo.im", "suo.nz", "w.url.cn", "dwz.win",
];

fn tracking(context: &Context<'_>) -> Vec<Mark> {
    let mut marks = Vec::new();
    for target in context.targets() {
        // as it is written there
        let url = target.address.as_ref().map_or(target.url, |address| context.manuscript.slice(address));
        let Some((clean, found)) = without_tracking(url) else { continue };
        let names: Vec<_> = found.iter().map(|tracking| format!("`{}`", tracking.name)).collect();
        let (verb, those) = if names.len() == 1 { ("tracks", "it") } else { ("track", "them") };
        let message = format!("{} {verb} readers", names.join(", "));
        let affiliate = found.iter().any(|tracking| tracking.affiliate);
        let unless = if affiliate { "unless it pays you, " } else { "" };
        let mark = context.mark(target.place(), message, format!("{unless}take {those} out: {clean}"));
        let edit = target.address.as_ref().filter(|_| !affiliate).and_then(|address| context.edit(address, clean));
        marks.push(mark.fixed_by(edit));
    }
    marks
}

/// Nothing is mended here: in an object store two slashes may be part of a name.
fn double_slash(context: &Context<'_>) -> Vec<Mark> {
    each(context, |target| {
        let (scheme, rest) = target.url.split_once("://").filter(|_| target.web().is_some())?;
        let (page, tail) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
        let (host, path) = page.split_once('/')?;
        let path = format!("/{path}");
        // an address in the address, as archives have it; an empty host is malformed
        if !path.contains("//") || path.contains(':') || host.is_empty() || defect(target.url).is_some() {
            return None;
        }
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let end = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
        let clean = format!("{scheme}://{host}/{}{end}{tail}", parts.join("/"));
        Some(("there are two slashes in this path".into(), format!("if the page is there, too, write {clean}").into()))
    })
}

fn no_text(context: &Context<'_>) -> Vec<Mark> {
    let silent = context.targets().iter().filter(|target| target.kind == Kind::Silent);
    silent.map(|target| context.mark(&target.span, "this link has no text", "write what it leads to")).collect()
}

fn generic_text(context: &Context<'_>) -> Vec<Mark> {
    #[rustfmt::skip]
    const TEXTS: [&str; 43] = [
        "here", "click here", "this", "this link", "link", "the link", "links", "read more", "more", "click", "see here",
        "website", "url", "this page", "click this link", "learn more", "source", "here's", "link text", "this article",
        "this post", "read it here", "see more", "find out more", "more info", "details",
        "链接", "这里", "点击这里", "点这里", "点击", "此处", "点此", "戳这里", "传送门", "点击查看", "查看详情", "详情", "更多",
        "阅读更多", "阅读原文", "查看原文", "原文链接",
    ];
    let generic = context.manuscript.links.iter().filter(|link| {
        let text = link.text.trim_matches(|c: char| c.is_whitespace() || ".,:!>»→…()（）[]".contains(c)).to_lowercase();
        TEXTS.contains(&text.as_str())
    });
    let mark = |link: &Link| {
        context.mark(
            &link.span,
            format!("\"{}\" does not say where this link leads", link.text),
            "link the words that do",
        )
    };
    generic.map(mark).collect()
}
