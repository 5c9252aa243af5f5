//! Parameters of an address that say who sent the reader, and nothing about the page.

/// First parts of names that tracking alone uses.
const PREFIXES: [&str; 6] = ["utm_", "mtm_", "matomo_", "piwik_", "hsa_", "bsft_"];

/// Names that tracking alone uses, by who sets them.
#[rustfmt::skip]
const NAMES: [&str; 90] = [
    // advertisers' click ids
    "fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "srsltid", "msclkid", "yclid", "ysclid", "ttclid",
    "twclid", "li_fat_id", "rdt_cid", "epik", "irclickid", "irgwc", "rb_clickid", "wickedid", "_openstat", "s_kwcid",
    "gad_source", "gad_campaignid",
    // analytics
    "_ga", "_gl", "pk_campaign", "pk_kwd", "pk_keyword", "pk_source", "pk_medium", "pk_content", "pk_cid", "xtor",
    "hmsr", "hmpl", "hmcu", "hmkw", "hmci", "at_campaign", "at_medium", "guccounter", "guce_referrer",
    "guce_referrer_sig", "_branch_match_id", "_branch_referrer", "ncid", "cmpid", "s_cid", "vgo_ee",
    // newsletters
    "mc_cid", "mc_eid", "mkt_tok", "_hsenc", "_hsmi", "__hstc", "__hssc", "__hsfp", "hsctatracking", "vero_id",
    "vero_conv", "oly_anon_id", "oly_enc_id", "ml_subscriber", "ml_subscriber_hash", "ck_subscriber_id", "dm_i",
    "ss_email_id", "_bta_tid", "_bta_c", "__s", "sc_src", "sc_lid", "sc_uid", "sc_llid", "sc_eh", "featured_on",
    "hss_channel",
    // share buttons
    "igshid", "igsh", "spm", "spm_id_from", "vd_source", "share_source", "share_medium", "share_plat",
    "share_session_id", "share_tag", "nsukey", "ref_src", "trk",
];

/// Names that some pages need and others set to tell where a link was found.
const REFERRERS: [&str; 4] = ["ref", "referrer", "source", "via"];

/// Values of those that name a way by which readers come.
const WAYS: [&str; 9] =
    ["rss", "newsletter", "email", "producthunt", "hackernews", "hn", "twitter", "reddit", "facebook"];

/// Whether a parameter of this name tells who sent the reader, wherever it stands: the page is the same without.
///
/// `utm_source`, `fbclid`, `mc_eid`, `spm`; not `ref` or `source`, which pages use for themselves:
/// see [`is_referral`].
pub fn is_tracking(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || NAMES.contains(&name.as_str())
}

/// Whether `name=value` says where the link was found: `ref=weekly.example.org`, `source=rss`, Medium's
/// `source=rss----1a2b---4`; not `ref=main`.
pub fn is_referral(name: &str, value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    if name.eq_ignore_ascii_case("source") && value.contains("---") {
        return true;
    }
    let host = value.split_once('.').is_some_and(|(first, rest)| {
        let last = rest.rsplit('.').next().unwrap_or_default();
        let label = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        !first.is_empty() && last.len() >= 2 && last.bytes().all(|b| b.is_ascii_lowercase()) && value.chars().all(label)
    });
    REFERRERS.contains(&name.to_ascii_lowercase().as_str()) && (host || WAYS.contains(&value.as_str()))
}
