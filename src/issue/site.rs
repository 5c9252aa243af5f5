//! Which pages of a site are the same, as the site itself has it.

use url::Url;

use super::address::Page;

/// First parts of paths on forges that are no owner.
#[rustfmt::skip]
const NO_OWNERS: [&str; 41] = [
    "about", "account", "admin", "api", "apps", "blog", "collections", "contact", "customer-stories", "dashboard",
    "enterprise", "events", "explore", "features", "help", "issues", "login", "marketplace", "models", "news",
    "notifications", "org", "organizations", "orgs", "pricing", "product", "pulls", "readme", "repo", "resources",
    "search", "security", "settings", "signup", "site", "solutions", "sponsors", "stars", "topics", "trending", "users",
];

/// Whether `name=value` says only who shared a link to the site, which is known by its host without `www.`.
///
/// Elsewhere the same names ask for other pages.
pub(super) fn is_tracking(host: &str, name: &str, value: &str) -> bool {
    let is = |site: &str| host.strip_suffix(site).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    match name.to_ascii_lowercase().as_str() {
        "si" => ["youtube.com", "youtu.be", "youtube-nocookie.com", "spotify.com"].into_iter().any(is),
        "s" => (is("x.com") || is("twitter.com")) && value.bytes().all(|b| b.is_ascii_digit()),
        "t" => is("x.com") || is("twitter.com"),
        "chksm" | "scene" => is("mp.weixin.qq.com"),
        "wprov" => is("wikipedia.org") || is("wikimedia.org"),
        "share_id" | "rdt" => is("reddit.com"),
        "ref_" | AFFILIATE => is_amazon(host),
        _ => false,
    }
}

/// Amazon's parameter for whom it pays; that may be the editor.
const AFFILIATE: &str = "tag";

/// Whether a parameter may earn the editor something.
pub(super) fn is_affiliate(host: &str, name: &str) -> bool {
    name.eq_ignore_ascii_case(AFFILIATE) && is_amazon(host)
}

/// `amazon.com`, `amazon.co.uk`
fn is_amazon(host: &str) -> bool {
    let country = host.rsplit_once("amazon.").filter(|(before, _)| before.is_empty() || before.ends_with('.'));
    country.is_some_and(|(_, country)| country.split('.').all(|label| (2..=3).contains(&label.len())))
}

/// The page that this one is only a cached or cleaned copy of: AMP's caches.
pub(super) fn wrapped(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    let path = url.path().strip_prefix('/')?;
    // …cdn.ampproject.org/c/s/example.org/story, google.com/amp/s/example.org/story; `s` is for https.
    let rest = if host.ends_with(".cdn.ampproject.org") {
        path.split_once('/').filter(|(kind, _)| ["c", "v", "wp"].contains(kind))?.1
    } else if host.trim_start_matches("www.") == "google.com" {
        path.strip_prefix("amp/")?
    } else {
        return None;
    };
    let rest = rest.strip_prefix("s/").unwrap_or(rest);
    let own = |pair: &&str| !pair.starts_with("usqp=") && !pair.starts_with("amp_");
    let query: Vec<_> = url.query().unwrap_or_default().split('&').filter(own).collect();
    Some(format!("https://{rest}?{}", query.join("&")))
}

/// Brings a page into the one form that its site's pages have.
pub(super) fn fold(page: &mut Page) {
    for wiki in ["wikipedia.org", "wiktionary.org", "wikiquote.org", "wikibooks.org", "wikisource.org"] {
        let language = page.host.strip_suffix(wiki).and_then(|rest| rest.strip_suffix(".m."));
        if let Some(language) = language {
            page.host = format!("{language}.{wiki}");
        }
    }
    if let Some((blog, country)) = page.host.split_once(".blogspot.")
        && !blog.contains('.')
        && country.split('.').all(|label| (2..=3).contains(&label.len()))
    {
        page.host = format!("{blog}.blogspot.com");
        page.query.retain(|(name, value)| !(name == "m" && value == "1"));
    }
    match page.host.as_str() {
        "github.com" => repository_page(page, true),
        "gitlab.com" | "codeberg.org" | "bitbucket.org" | "gitee.com" => repository_page(page, false),
        "gist.github.com" => gist(page),
        "youtube.com" | "youtu.be" | "youtube-nocookie.com" => video(page),
        "twitter.com" | "x.com" => tweet(page),
        "arxiv.org" | "export.arxiv.org" => paper(page),
        "bilibili.com" => page.query.retain(|(name, value)| name != "share_id" && !(name == "p" && value == "1")),
        "lwn.net" => subscriber_link(page),
        "mp.weixin.qq.com" => weixin(page),
        "stackoverflow.com" => question(page),
        "redd.it" => thread(page),
        host if host == "reddit.com" || host.ends_with(".reddit.com") => thread(page),
        host if host == "medium.com" || host.ends_with(".medium.com") => story(page),
        host if host.ends_with(".substack.com") => substack(page),
        _ => amp(page),
    }
}

/// `owner/name` of a path on a forge, for GitLab with all groups.
pub(super) fn repository_path(host: &str, path: &str) -> Option<String> {
    let path = match host {
        "gitlab.com" => path.split("/-/").next()?,
        "github.com" | "codeberg.org" | "bitbucket.org" | "gitee.com" => path,
        _ => return None,
    };
    let parts: Vec<_> = path.split('/').collect();
    let owner = *parts.first()?;
    let depth = if host == "gitlab.com" { parts.len() } else { 2 };
    let named = parts.len() >= 2 && !parts.iter().take(depth).any(|part| part.is_empty());
    let path = parts.iter().take(depth).map(|part| part.to_ascii_lowercase()).collect::<Vec<_>>().join("/");
    (named && !NO_OWNERS.contains(&owner)).then_some(path)
}

/// Forges do not tell `Ann/Harbour` from `ann/harbour`.
fn repository_page(page: &mut Page, tabs: bool) {
    for part in page.segments.iter_mut().take(2) {
        part.make_ascii_lowercase();
    }
    if let Some(last) = page.segments.last_mut().filter(|name| name.len() > 4)
        && let Some(name) = last.strip_suffix(".git")
    {
        *last = name.to_owned();
    }
    // On a repository's front page a tab is which of its files is shown below; a person's tabs are pages.
    if tabs && page.segments.len() == 2 {
        page.drop_parameters(&["tab"]);
    }
}

fn gist(page: &mut Page) {
    if let [_, id] = page.path()[..]
        && id.len() >= 8
        && id.bytes().all(|b| b.is_ascii_hexdigit())
    {
        page.segments.remove(0);
    }
}

fn video(page: &mut Page) {
    let id = match (page.host.as_str(), &page.path()[..]) {
        ("youtu.be", [id]) => Some(*id),
        (_, ["watch"]) => page.parameter("v"),
        (_, ["shorts" | "embed" | "live" | "v", id]) if *id != "videoseries" => Some(*id),
        _ => None,
    };
    match id.map(str::to_owned) {
        Some(id) => {
            page.host = "youtube.com".to_owned();
            page.set_path(&["watch"]);
            page.query = vec![("v".to_owned(), id)];
        }
        None => page.drop_parameters(&["si", "feature", "pp", "ab_channel", "app"]),
    }
}

fn tweet(page: &mut Page) {
    page.host = "x.com".to_owned();
    page.drop_parameters(&["s", "t", "ref_src", "ref_url", "cxt", "lang"]);
    if let Some(name) = page.segments.first_mut() {
        name.make_ascii_lowercase();
    }
    // photo/1 is the same post with a picture opened
    if page.segments.get(1).is_some_and(|part| part == "status") {
        page.segments.truncate(3);
    }
}

/// A paper, whichever of its versions and forms.
fn paper(page: &mut Page) {
    page.host = "arxiv.org".to_owned();
    if let ["abs" | "pdf" | "html", area @ .., id] = &page.path()[..] {
        let id = id.trim_end_matches(".pdf");
        let id = match id.rsplit_once('v') {
            Some((paper, version)) if version.bytes().all(|b| b.is_ascii_digit()) => paper,
            _ => id,
        };
        page.segments = [&["abs"][..], area, &[id]].concat().into_iter().map(str::to_owned).collect();
    }
}

/// An article through a subscriber's link is the article.
fn subscriber_link(page: &mut Page) {
    if let ["SubscriberLink", id, ..] = page.path()[..] {
        let id = id.to_owned();
        page.set_path(&["Articles", &id]);
    }
}

fn weixin(page: &mut Page) {
    if page.parameter("__biz").is_some() {
        page.keep_parameters(&["__biz", "mid", "idx", "sn"]);
    }
}

fn question(page: &mut Page) {
    if let ["questions" | "q", id] | ["questions", id, _] | ["q", id, _] = page.path()[..] {
        let id = id.to_owned();
        page.set_path(&["questions", &id]);
        page.query.clear();
    }
}

/// A thread is its id, under any of the site's faces.
fn thread(page: &mut Page) {
    let faces = ["old.reddit.com", "new.reddit.com", "np.reddit.com", "i.reddit.com", "reddit.com"];
    let path: Vec<String> = match (page.host.as_str(), &page.path()[..]) {
        ("redd.it", [id]) => vec!["comments".to_owned(), (*id).to_owned()],
        (host, ["r" | "user", _, "comments", id, rest @ ..] | ["comments", id, rest @ ..]) if faces.contains(&host) => {
            let comment = rest.get(1).copied();
            ["comments", id].into_iter().chain(comment).map(str::to_owned).collect()
        }
        (host, path) if faces.contains(&host) => path.iter().map(|&part| part.to_owned()).collect(),
        _ => return,
    };
    page.host = "reddit.com".to_owned();
    if path.first().is_some_and(|part| part == "comments") {
        page.query.clear();
    }
    page.segments = path;
}

/// A story is the twelve digits at the end of its path, under its author's name or a publication's.
fn story(page: &mut Page) {
    page.drop_parameters(&["source", "sk"]);
    let digits = |id: &str| id.len() == 12 && id.bytes().all(|b| b.is_ascii_hexdigit());
    let id = page.segments.last().and_then(|last| last.rsplit('-').next()).filter(|id| digits(id));
    if let Some(id) = id.map(str::to_owned) {
        page.host = "medium.com".to_owned();
        page.set_path(&["p", &id]);
    }
}

fn substack(page: &mut Page) {
    if page.host == "open.substack.com"
        && let ["pub", name, "p", slug] = page.path()[..]
    {
        let (name, slug) = (name.to_owned(), slug.to_owned());
        page.host = format!("{name}.substack.com");
        page.set_path(&["p", &slug]);
    }
    page.drop_parameters(&["r", "s", "publication_id", "post_id", "isFreemail", "showWelcome", "triedRedirect"]);
}

/// The copy of an article for AMP, beside or below it.
fn amp(page: &mut Page) {
    let count = page.segments.len();
    if let Some(last) = page.segments.last_mut() {
        if let Some(name) = last.strip_suffix(".amp.html") {
            *last = format!("{name}.html");
        } else if last == "amp" && count > 1 {
            page.segments.pop();
        }
    }
}
