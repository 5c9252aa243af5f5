//! What makes two links the same page.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use url::{Host, Url};

use super::{site, tracking};

/// First labels of hosts that show the site below them to certain devices.
const DEVICES: [&str; 4] = ["www", "m", "mobile", "amp"];

/// Hosts below which each label is somebody else's: `m.github.io` is the person `m`.
#[rustfmt::skip]
const SHARED: [&str; 24] = [
    "github.io", "gitlab.io", "codeberg.page", "netlify.app", "vercel.app", "pages.dev", "workers.dev", "fly.dev",
    "herokuapp.com", "onrender.com", "web.app", "firebaseapp.com", "readthedocs.io", "blogspot.com", "wordpress.com",
    "substack.com", "tumblr.com", "hashnode.dev", "bearblog.dev", "surge.sh", "notion.site", "co.uk", "com.cn",
    "com.au",
];

/// How many pages may lie in one another: a copy for mobile devices in Google's cache, say.
const WRAPPINGS: usize = 3;

/// The address of a page in the one form that all links to it share: `example.org/post?id=7`.
///
/// There is no scheme, no `www.`, no trailing slash, no fragment and no tracking in it, so it is for comparing and
/// showing. Cheap to clone.
///
/// ```
/// use masthead::issue::Address;
///
/// let one = Address::canonical("http://www.Example.org/post/?utm_source=weekly#comments");
/// let other = Address::canonical("https://example.org/post");
/// assert_eq!(one, other);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Arc<str>);

impl Address {
    /// The address that a link leads to; `None` for what is no link into the web: relative, `mailto:`, malformed.
    ///
    /// Only what is certain is taken for the same:
    ///
    /// | differs | as in |
    /// | --- | --- |
    /// | scheme, its port, user | `http://ann@example.org:80/` |
    /// | case and form of the host | `EXAMPLE.org.`, `bücher.example` |
    /// | host for a device | `www.`, `m.`, `mobile.`, `amp.`; AMP's caches |
    /// | the same path | `/a/../b`, `/b/`, `/b/index.html`, `/%62`, `/b/amp` |
    /// | fragment, unless it is the page | `#comments`, `#:~:text=…`; not `#/post`, `#!post` |
    /// | tracking, and the order of what remains | `?utm_source=x&b=2&a=1`, `?ref=weekly.example.org` |
    /// | what the site itself says is the same | `youtu.be/ID`, `arxiv.org/pdf/ID`, `github.com/A/B.git` |
    pub fn canonical(link: &str) -> Option<Self> {
        let mut url = web_url(link)?;
        for _ in 0..WRAPPINGS {
            match site::wrapped(&url).as_deref().and_then(web_url) {
                Some(inner) => url = inner,
                None => break,
            }
        }
        let mut page = Page::new(&url)?;
        site::fold(&mut page);
        Some(Self(page.to_string().into()))
    }

    /// The address as text, without a scheme.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The repository that the page belongs to, on a forge that many use.
    pub fn repository(&self) -> Option<Repository> {
        let path = self.0.split(['?', '#']).next()?;
        let (host, path) = path.split_once('/')?;
        site::repository_path(host, path).map(|path| Repository(format!("{host}/{path}").into()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A repository on GitHub, GitLab, Codeberg, Bitbucket or Gitee: `github.com/owner/name`.
///
/// All of its pages are notes on one another: the front page, a release, an issue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository(Arc<str>);

impl Repository {
    /// Host, owner and name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A page's address in its parts.
pub(super) struct Page {
    /// Lower case, A-labels, with its port where that is not the scheme's.
    pub(super) host: String,
    /// The path between the slashes, none empty at the end.
    pub(super) segments: Vec<String>,
    /// Names with their values.
    pub(super) query: Vec<(String, String)>,
    /// A fragment that is the page: it begins with `/` or `!`.
    pub(super) fragment: Option<String>,
}

impl Page {
    fn new(url: &Url) -> Option<Self> {
        let host = host(url)?;
        let mut segments: Vec<_> = url.path().split('/').skip(1).map(|part| normalize(part, PATH)).collect();
        if segments.last().is_some_and(|last| ["index.html", "index.htm"].contains(&last.as_str())) {
            segments.pop();
        }
        while segments.last().is_some_and(String::is_empty) {
            segments.pop();
        }
        let pairs = url.query().unwrap_or_default().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut query: Vec<_> = pairs
            .map(|(name, value)| (normalize(name, QUERY), normalize(&value.replace('+', "%20"), QUERY)))
            .filter(|(name, value)| !name.is_empty() && !says_nothing(&host, name, value))
            .collect();
        query.sort();
        let fragment = url.fragment().map(|fragment| normalize(fragment.trim_end_matches('/'), PATH));
        let fragment = fragment.filter(|fragment| fragment.starts_with(['/', '!']) && fragment.len() > 1);
        Some(Self { host, segments, query, fragment })
    }

    /// The path between the slashes, to match on.
    pub(super) fn path(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// Sets the path.
    pub(super) fn set_path(&mut self, segments: &[&str]) {
        self.segments = segments.iter().map(|&segment| segment.to_owned()).collect();
    }

    /// Keeps the parameters of these names only.
    pub(super) fn keep_parameters(&mut self, names: &[&str]) {
        self.query.retain(|(name, _)| names.contains(&name.as_str()));
    }

    /// Drops the parameters of these names.
    pub(super) fn drop_parameters(&mut self, names: &[&str]) {
        self.query.retain(|(name, _)| !names.contains(&name.as_str()));
    }

    /// The value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        for segment in &self.segments {
            write!(f, "/{segment}")?;
        }
        for (at, (name, value)) in self.query.iter().enumerate() {
            f.write_str(if at == 0 { "?" } else { "&" })?;
            f.write_str(name)?;
            if !value.is_empty() {
                write!(f, "={value}")?;
            }
        }
        match &self.fragment {
            Some(fragment) => write!(f, "#{fragment}"),
            None => Ok(()),
        }
    }
}

/// An absolute link into the web.
fn web_url(link: &str) -> Option<Url> {
    let link = link.trim();
    // The url crate mends `https:example.org` as browsers do; readers of a mail do not get there.
    let (scheme, rest) = link.split_once("://")?;
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    if !web || rest.starts_with(['/', '\\']) {
        return None;
    }
    Url::parse(link).ok()
}

fn host(url: &Url) -> Option<String> {
    let host = match url.host()? {
        Host::Domain(domain) => site_host(domain.trim_end_matches('.')).to_owned(),
        address => address.to_string(),
    };
    if host.is_empty() {
        return None;
    }
    // A link says https today and http years ago.
    Some(match url.port().filter(|port| ![80, 443].contains(port)) {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

/// The host of a site without the label for a device.
fn site_host(mut domain: &str) -> &str {
    while let Some((device, site)) = domain.split_once('.') {
        let shared = device != "www" && SHARED.contains(&site);
        if !DEVICES.contains(&device) || !site.contains('.') || shared {
            break;
        }
        domain = site;
    }
    domain
}

/// Whether a parameter asks for the same page all the same.
fn says_nothing(host: &str, name: &str, value: &str) -> bool {
    let amp = name == "amp" && ["", "1", "true"].contains(&value) || name == "outputType" && value == "amp";
    amp || is_tracking(host, name, value)
}

/// Whether a parameter of an address on this host, without `www.`, says only who sent the reader.
fn is_tracking(host: &str, name: &str, value: &str) -> bool {
    tracking::is_tracking(name) || tracking::is_referral(name, value) || site::is_tracking(host, name, value)
}

/// A parameter that says only who sent the reader.
pub(super) struct Tracking<'a> {
    pub(super) name: &'a str,
    /// It may pay the editor.
    pub(super) affiliate: bool,
}

/// An address without its tracking parameters, and those; none where it has none. In HTML's writing, `&amp;` parts
/// parameters too.
pub(super) fn without_tracking(link: &str) -> Option<(String, Vec<Tracking<'_>>)> {
    let host = host(&web_url(link)?)?;
    let (address, fragment) = link.split_at(link.find('#').unwrap_or(link.len()));
    let (page, query) = address.split_once('?')?;
    let separator = if query.contains("&amp;") { "&amp;" } else { "&" };
    let mut found = Vec::new();
    let mut kept = Vec::new();
    for pair in query.split(separator) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match is_tracking(&host, name, value) {
            true => found.push(Tracking { name, affiliate: site::is_affiliate(&host, name) }),
            false => kept.push(pair),
        }
    }
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join(separator)) };
    (!found.is_empty()).then(|| (format!("{page}{query}{fragment}"), found))
}

/// What stands for itself in a path, beyond RFC 3986's unreserved characters: those that were unreserved in RFC 2396,
/// which Markdown's editors like to encode, and `:@,`, which mean nothing of their own there.
const PATH: &[u8] = b"!*'():@,";

/// The same in a query.
const QUERY: &[u8] = b"!*'():@,/";

/// Percent-encoding as RFC 3986 §6.2.2 has it: no more than is needed, in upper case.
fn normalize(text: &str, plain: &[u8]) -> String {
    let mut parts = text.split('%');
    let mut normal = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..2).and_then(|digits| Some((digits, hex_byte(digits)?))) {
            Some((_, byte)) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || plain.contains(&byte) => {
                normal.push(char::from(byte));
                normal.push_str(part.get(2..).unwrap_or_default());
            }
            Some((digits, _)) => {
                normal.push('%');
                normal.push_str(&digits.to_ascii_uppercase());
                normal.push_str(part.get(2..).unwrap_or_default());
            }
            None => {
                normal.push('%');
                normal.push_str(part);
            }
        }
    }
    normal
}

fn hex_byte(digits: &str) -> Option<u8> {
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(link: &str) -> String {
        Address::canonical(link).map_or_else(|| "none".to_owned(), |address| address.to_string())
    }

    #[test]
    fn links_to_the_same_page_have_one_address() {
        let same = [
            ("example.org", "http://example.org https://www.example.org/ HTTPS://Example.ORG:443/index.html#top"),
            (
                "example.org",
                "https://ann:secret@example.org:80/#:~:text=x https://example.org./? https://m.example.org",
            ),
            ("example.org:8080/a", "http://example.org:8080/a/ https://example.org:8080/./b/../a"),
            ("xn--bcher-kva.example/a", "https://bücher.example/a https://XN--bcher-kva.example/a/"),
            (
                "example.org/%E4%B8%AD",
                "https://example.org/中 https://example.org/%e4%b8%ad https://mobile.example.org/%E4%B8%AD",
            ),
            ("example.org/~ann/a_(b)", "https://example.org/%7Eann/a_%28b%29 https://example.org/%7eann/a_(b)"),
            ("example.org/a%2Fb", "https://example.org/a%2fb"),
            ("example.org/p?a=1&b=2", "https://example.org/p?b=2&a=1&utm_source=x&UTM_Medium=y&fbclid=z&"),
            ("example.org/p?q=a%20b", "https://example.org/p?q=a+b https://example.org/p?q=a%20b&spm=1.2&mc_eid=3"),
            ("example.org/p", "https://example.org/p?ref=weekly.example.com https://example.org/p?source=rss#share"),
            (
                "example.org/p",
                "https://example.org/p?source=rss----1a2b3c---4 https://example.org/p?trk=x&ref_src=twsrc",
            ),
            ("example.org/p?si=1&t=2&tag=x", "https://example.org/p?si=1&t=2&tag=x"),
            ("example.org/p?ref=v1.2", "https://example.org/p?ref=v1.2"),
            ("example.org#/post/7", "https://example.org/#/post/7 https://www.example.org/#/post/7/"),
            ("example.org#!post", "https://example.org/#!post"),
            ("example.org", "https://example.org/#/ https://example.org/#!"),
            ("example.org/2024/story", "https://amp.example.org/2024/story https://example.org/2024/story/amp/"),
            ("example.org/2024/story", "https://example.org/2024/story?amp=1 https://example.org/2024/story?amp"),
            ("example.org/story", "https://example-org.cdn.ampproject.org/c/s/www.example.org/story?usqp=mq331"),
            (
                "example.org/story",
                "https://example-org.cdn.ampproject.org/v/s/example.org/story?amp_js_v=0.1 https://www.google.com/amp/s/m.example.org/story",
            ),
            ("example.org/story.html", "https://example.org/story.amp.html"),
            ("127.0.0.1:8000/a", "http://127.0.0.1:8000/a/"),
            ("[::1]/a", "http://[::1]/a"),
        ];
        all_same(&same);
    }

    #[test]
    fn sites_say_which_of_their_pages_are_the_same() {
        let same = [
            (
                "youtube.com/watch?v=dQw4w9WgXcQ",
                "https://youtu.be/dQw4w9WgXcQ?si=x&t=42 https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=42s&list=PL1&feature=shared https://m.youtube.com/shorts/dQw4w9WgXcQ https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ",
            ),
            ("youtube.com/playlist?list=PL1", "https://www.youtube.com/playlist?list=PL1&si=x"),
            (
                "reddit.com/comments/1abc",
                "https://old.reddit.com/r/Harbour/comments/1abc/a_boat/ https://www.reddit.com/r/harbour/comments/1abc/?share_id=x https://redd.it/1abc https://reddit.com/comments/1abc",
            ),
            ("reddit.com/comments/1abc/xyz", "https://np.reddit.com/r/Harbour/comments/1abc/a_boat/xyz/?context=3"),
            (
                "arxiv.org/abs/2406.01234",
                "https://arxiv.org/pdf/2406.01234v2.pdf https://arxiv.org/abs/2406.01234 http://export.arxiv.org/html/2406.01234v1",
            ),
            ("arxiv.org/abs/cs/0601001", "https://arxiv.org/pdf/cs/0601001"),
            (
                "github.com/ann/harbour",
                "https://github.com/Ann/Harbour https://github.com/ann/harbour.git http://www.github.com/ann/harbour/?tab=readme-ov-file#readme",
            ),
            ("github.com/ann/harbour/blob/main/README.md", "https://github.com/Ann/harbour/blob/main/README.md"),
            (
                "gitlab.com/ann/boats/harbour",
                "https://gitlab.com/Ann/boats/harbour.git https://gitlab.com/ann/boats/harbour/",
            ),
            ("gist.github.com/0123abcd", "https://gist.github.com/ann/0123abcd https://gist.github.com/0123abcd"),
            (
                "x.com/ann/status/17",
                "https://twitter.com/Ann/status/17?s=20&t=abc https://mobile.twitter.com/ann/status/17/photo/1 https://x.com/ann/status/17",
            ),
            (
                "en.wikipedia.org/wiki/Harbour_(port)",
                "https://en.m.wikipedia.org/wiki/Harbour_%28port%29#History https://en.wikipedia.org/wiki/Harbour_(port)?wprov=sfla1",
            ),
            ("de.wiktionary.org/wiki/Hafen", "https://de.m.wiktionary.org/wiki/Hafen"),
            ("open.spotify.com/episode/1a", "https://open.spotify.com/episode/1a?si=x"),
            ("amazon.co.uk/dp/0123456789", "https://www.amazon.co.uk/dp/0123456789?tag=ann-21&ref_=x"),
            ("reddit.com/r/harbour", "https://www.reddit.com/r/harbour/?rdt=5&share_id=x"),
            (
                "medium.com/p/0123456789ab",
                "https://medium.com/@ann/a-boat-0123456789ab?source=rss-1 https://ann.medium.com/a-boat-0123456789ab https://medium.com/p/0123456789ab",
            ),
            (
                "ann.substack.com/p/boats",
                "https://open.substack.com/pub/ann/p/boats?r=1a&utm_medium=ios https://ann.substack.com/p/boats?triedRedirect=true",
            ),
            (
                "lwn.net/Articles/977855",
                "https://lwn.net/SubscriberLink/977855/5daef5af6b2d4c1b/ https://lwn.net/Articles/977855/",
            ),
            (
                "stackoverflow.com/questions/11",
                "https://stackoverflow.com/questions/11/how-to-moor https://stackoverflow.com/q/11/22",
            ),
            (
                "ann.blogspot.com/2024/06/boats.html",
                "https://ann.blogspot.com/2024/06/boats.html?m=1 https://ann.blogspot.co.uk/2024/06/boats.html",
            ),
            (
                "bilibili.com/video/BV1xx",
                "https://www.bilibili.com/video/BV1xx/?spm_id_from=333.337&vd_source=0&p=1 https://m.bilibili.com/video/BV1xx",
            ),
            (
                "mp.weixin.qq.com/s?__biz=MzA&idx=1&mid=22&sn=ab",
                "https://mp.weixin.qq.com/s?__biz=MzA&mid=22&idx=1&sn=ab&chksm=x&scene=21#wechat_redirect",
            ),
        ];
        all_same(&same);
    }

    fn all_same(table: &[(&str, &str)]) {
        for (address, links) in table {
            for link in links.split(' ') {
                assert_eq!(canonical(link), *address, "{link}");
            }
        }
    }

    #[test]
    fn different_pages_keep_addresses_of_their_own() {
        let different = [
            "https://example.org/a https://example.org/A https://example.org/a.html https://blog.example.org/a",
            "https://example.org/?p=1 https://example.org/?p=2 https://example.org/",
            "https://m.github.io/a https://mobile.github.io/a https://github.io/a",
            "https://www.amp.dev/a https://www.dev/a",
            "https://github.com/ampproject/amp https://github.com/ampproject",
            "https://github.com/ann?tab=repositories https://github.com/ann",
            "https://github.com/ann/harbour/blob/main/a.md https://github.com/ann/harbour/blob/main/A.md",
            "https://youtu.be/AbC https://youtu.be/aBc",
            "https://example.org/#/a https://example.org/#/b",
            "https://example.org/a%2Fb https://example.org/a/b",
            "https://mobile.de/a https://m.mobile.org/a",
        ];
        for links in different {
            let mut addresses: Vec<_> = links.split(' ').map(canonical).collect();
            let count = addresses.len();
            addresses.sort();
            addresses.dedup();
            assert_eq!(addresses.len(), count, "{addresses:?}");
        }
    }

    #[test]
    fn what_leads_nowhere_in_the_web_has_no_address() {
        for link in
            ["", "/posts/7", "posts/7", "#top", "//example.org/a", "mailto:ann@example.org", "https://", "https:///a"]
        {
            assert_eq!(canonical(link), "none", "{link}");
        }
        for link in ["https:example.org", "http://exa mple.org", "http://example.org:99999/", "ftp://example.org/a"] {
            assert_eq!(canonical(link), "none", "{link}");
        }
    }

    #[test]
    fn pages_know_their_repository() {
        let repository = |link| Address::canonical(link).unwrap().repository().map(|found| found.to_string());
        let of = |link| repository(link).unwrap_or_default();
        assert_eq!(of("https://github.com/Ann/Harbour/releases/tag/v1"), "github.com/ann/harbour");
        assert_eq!(of("https://gitlab.com/ann/boats/harbour/-/issues/7"), "gitlab.com/ann/boats/harbour");
        assert_eq!(of("https://codeberg.org/ann/harbour/src/branch/main"), "codeberg.org/ann/harbour");
        assert_eq!(of("https://bitbucket.org/ann/harbour/src"), "bitbucket.org/ann/harbour");
        assert_eq!(of("https://gitee.com/ann/harbour"), "gitee.com/ann/harbour");
        for link in ["https://github.com/ann", "https://github.com/topics/boats", "https://example.org/ann/harbour"] {
            assert_eq!(repository(link), None, "{link}");
        }
    }

    proptest! {
        #[test]
        fn an_address_is_its_own_address(link in r"https?://(www\.|m\.)?[a-z]{1,3}\.(com|github\.io)(/[aA%2./~-]{0,6}){0,3}(\?[a&=%1+]{0,8})?(#[!/a]{0,4})?") {
            if let Some(address) = Address::canonical(&link) {
                let again = Address::canonical(&format!("https://{address}"));
                prop_assert_eq!(again, Some(address));
            }
        }

        #[test]
        fn no_text_panics(link in r"(https?://)?\PC{0,60}") {
            Address::canonical(&link).map(|address| address.repository());
        }
    }
}
