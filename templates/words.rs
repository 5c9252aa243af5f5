//! The words that every issue needs, by language.
//!
//! A language more is one table more and one line in [`Words::of`].

use time::Date;

use super::shell::primary;

/// The fixed words of one language.
#[derive(Debug)]
pub struct Words {
    /// The link to the issue in a browser.
    pub read_online: &'static str,
    /// Heading over the links to earlier issues.
    pub past_issues: &'static str,
    /// Why the reader gets this newsletter.
    pub why: fn(name: &str) -> String,
    /// The link that leaves.
    pub unsubscribe: &'static str,
    /// The link to the archive.
    pub all_issues: &'static str,
    /// A picture without a text of its own.
    pub image: &'static str,
    /// The number of an item and what parts it from the title, `1. `.
    pub number: fn(u32) -> String,
    /// A day.
    pub date: fn(Date) -> String,
    /// What stands between a label and its address.
    pub colon: &'static str,
    /// Subject and heading of the confirmation mail.
    pub confirm_subject: fn(name: &str) -> String,
    /// Who asked, and for what.
    pub confirm_request: fn(name: &str) -> String,
    /// The button.
    pub confirm_button: &'static str,
    /// What to do who did not ask.
    pub confirm_ignore: &'static str,
}

impl Words {
    /// The words for a BCP 47 tag; English where there are none.
    pub fn of(language: &str) -> &'static Self {
        match primary(language).as_str() {
            "zh" => &CHINESE,
            _ => &ENGLISH,
        }
    }
}

static ENGLISH: Words = Words {
    read_online: "Read online",
    past_issues: "Past issues",
    why: |name| format!("You get this email because you signed up for {name}."),
    unsubscribe: "Unsubscribe",
    all_issues: "All issues",
    image: "Image",
    number: |number| format!("{number}. "),
    date: |date| format!("{} {} {}", date.day(), date.month(), date.year()),
    colon: ":",
    confirm_subject: |name| format!("Confirm your subscription to {name}"),
    confirm_request: |name| {
        format!("This address was signed up for {name}. If that was you, confirm it, and the next issue is yours.")
    },
    confirm_button: "Confirm subscription",
    confirm_ignore: "If it was not you, ignore this email: without your confirmation nothing more will come.",
};

static CHINESE: Words = Words {
    read_online: "在线阅读",
    past_issues: "往期回顾",
    why: |name| format!("你收到这封邮件，是因为你订阅了《{name}》。"),
    unsubscribe: "退订",
    all_issues: "全部期刊",
    image: "图片",
    number: |number| format!("{number}、"),
    date: |date| format!("{}年{}月{}日", date.year(), u8::from(date.month()), date.day()),
    colon: "：",
    confirm_subject: |name| format!("请确认订阅《{name}》"),
    confirm_request: |name| format!("有人用这个邮箱地址订阅了《{name}》。如果是你本人，请确认订阅，下一期就会寄给你。"),
    confirm_button: "确认订阅",
    confirm_ignore: "如果不是你本人，忽略这封邮件即可：未经确认，我们不会再寄来任何邮件。",
};
