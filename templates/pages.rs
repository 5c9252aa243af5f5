//! The readers' pages. They need no JavaScript; one style sheet gives them their look.

use maud::{DOCTYPE, Markup, html};

use crate::newsletter::Newsletter;

/// The style sheet of all pages.
pub const CSS: &str = include_str!("pages.css");

/// The fixed words of the pages in one language.
struct Words {
    sign_up: &'static str,
    address: &'static str,
    subscribe: &'static str,
    promise: &'static str,
    issues: &'static str,
    wrong: &'static str,
    check_inbox: &'static str,
    check_inbox_how: &'static str,
    too_many: &'static str,
    too_many_how: &'static str,
    ask_to_confirm: &'static str,
    confirm: &'static str,
    confirmed: &'static str,
    confirmed_how: &'static str,
    ask_to_unsubscribe: &'static str,
    unsubscribe: &'static str,
    unsubscribed: &'static str,
    unsubscribed_how: &'static str,
}

const ENGLISH: Words = Words {
    sign_up: "Get it by email",
    address: "Email address",
    subscribe: "Subscribe",
    promise: "You get one mail to confirm the address. Every issue has a link to leave. Nothing is tracked.",
    issues: "Issues so far",
    wrong: "That does not look like an email address. Please check it.",
    check_inbox: "Look into your inbox",
    check_inbox_how: "If the address can be signed up, a mail is on its way to it. \
                      The subscription starts with the button that the mail leads to. \
                      No mail after some minutes? It may be in the spam folder.",
    too_many: "That was a lot of sign-ups",
    too_many_how: "There were too many from your network in the last hour. Please come back later.",
    ask_to_confirm: "Do you want to get this newsletter?",
    confirm: "Yes, subscribe me",
    confirmed: "You are subscribed",
    confirmed_how: "The next issue will come to your inbox. Every issue has a link to leave.",
    ask_to_unsubscribe: "Do you want to leave?",
    unsubscribe: "Unsubscribe",
    unsubscribed: "You are unsubscribed",
    unsubscribed_how: "No further issue will be sent to you.",
};

const CHINESE: Words = Words {
    sign_up: "邮件订阅",
    address: "邮箱地址",
    subscribe: "订阅",
    promise: "你会收到一封确认邮件。每期邮件都附有退订链接，我们不做任何跟踪。",
    issues: "往期内容",
    wrong: "这看起来不是有效的邮箱地址，请检查后重试。",
    check_inbox: "请查看收件箱",
    check_inbox_how: "如果该地址可以订阅，确认邮件已经寄出。点击邮件中的链接并确认后，订阅即生效。\
                      几分钟后仍未收到？请看看垃圾邮件文件夹。",
    too_many: "订阅请求过多",
    too_many_how: "过去一小时内来自你所在网络的订阅请求过多，请稍后再试。",
    ask_to_confirm: "要订阅这份周刊吗？",
    confirm: "是的，订阅",
    confirmed: "订阅成功",
    confirmed_how: "下一期将寄到你的邮箱。每期邮件都附有退订链接。",
    ask_to_unsubscribe: "要退订吗？",
    unsubscribe: "退订",
    unsubscribed: "已退订",
    unsubscribed_how: "你不会再收到之后的邮件。",
};

impl Words {
    fn of(language: &str) -> &'static Self {
        if language.starts_with("zh") { &CHINESE } else { &ENGLISH }
    }
}

fn page(language: &str, title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) }
                link rel="stylesheet" href="/assets/pages.css";
            }
            body { main { (body) } }
        }
    }
}

fn newsletter_page(newsletter: &Newsletter, title: &str, body: Markup) -> Markup {
    page(
        &newsletter.language,
        &format!("{title} – {}", newsletter.name),
        html! { p.muted { a href={ "/" (newsletter.slug) } { (newsletter.name) } } h1 { (title) } (body) },
    )
}

fn sign_up_form(newsletter: &Newsletter, email: &str, wrong: bool) -> Markup {
    let words = Words::of(&newsletter.language);
    html! {
        form method="post" action={ "/" (newsletter.slug) "/subscribe" } {
            @if wrong { p.wrong role="alert" { (words.wrong) } }
            label for="email" { (words.address) }
            div.row {
                input #email type="email" name="email" required autocomplete="email" inputmode="email" value=(email);
                button { (words.subscribe) }
            }
        }
        p.muted { (words.promise) }
    }
}

/// The newsletters of this server.
pub fn index<'a>(newsletters: impl Iterator<Item = &'a Newsletter>) -> Markup {
    page(
        "en",
        "Newsletters",
        html! {
            h1 { "Newsletters" }
            ol.issues { @for newsletter in newsletters { li { a href={ "/" (newsletter.slug) } { (newsletter.name) } } } }
        },
    )
}

/// A newsletter's own page: the sign-up form and the issues so far, the newest first.
pub fn home(newsletter: &Newsletter, issues: &[(u32, String)]) -> Markup {
    let words = Words::of(&newsletter.language);
    page(
        &newsletter.language,
        &newsletter.name,
        html! {
            h1 { (newsletter.name) }
            p { (words.sign_up) }
            (sign_up_form(newsletter, "", false))
            @if !issues.is_empty() {
                h2 { (words.issues) }
                ol.issues {
                    @for (number, title) in issues {
                        li { a href={ "/" (newsletter.slug) "/" (number) } { "#" (number) " " (title) } }
                    }
                }
            }
        },
    )
}

/// The form again, with what was typed and what is wrong with it.
pub fn try_again(newsletter: &Newsletter, email: &str) -> Markup {
    let words = Words::of(&newsletter.language);
    newsletter_page(newsletter, words.sign_up, sign_up_form(newsletter, email, true))
}

/// After a sign-up: the same words whatever the address is.
pub fn check_inbox(newsletter: &Newsletter) -> Markup {
    let words = Words::of(&newsletter.language);
    newsletter_page(newsletter, words.check_inbox, html! { p { (words.check_inbox_how) } })
}

/// After too many sign-ups.
pub fn too_many(newsletter: &Newsletter) -> Markup {
    let words = Words::of(&newsletter.language);
    newsletter_page(newsletter, words.too_many, html! { p { (words.too_many_how) } })
}

/// Where the link in the confirmation mail leads.
pub fn ask_to_confirm(newsletter: &Newsletter) -> Markup {
    let words = Words::of(&newsletter.language);
    newsletter_page(newsletter, words.ask_to_confirm, html! { form method="post" { button { (words.confirm) } } })
}

/// After the confirmation.
pub fn confirmed(newsletter: &Newsletter) -> Markup {
    let words = Words::of(&newsletter.language);
    newsletter_page(newsletter, words.confirmed, html! { p { (words.confirmed_how) } })
}

/// Where the unsubscribe link leads. A newsletter that is no longer configured can still be left.
pub fn ask_to_unsubscribe(newsletter: Option<&Newsletter>, email: &str) -> Markup {
    about_leaving(
        newsletter,
        |words| words.ask_to_unsubscribe,
        |words| {
            html! {
                p.address { (email) }
                form method="post" { button { (words.unsubscribe) } }
            }
        },
    )
}

/// After the unsubscribe, and for whoever has left already.
pub fn unsubscribed(newsletter: Option<&Newsletter>) -> Markup {
    about_leaving(newsletter, |words| words.unsubscribed, |words| html! { p { (words.unsubscribed_how) } })
}

fn about_leaving(
    newsletter: Option<&Newsletter>,
    title: impl Fn(&'static Words) -> &'static str,
    body: impl Fn(&'static Words) -> Markup,
) -> Markup {
    match newsletter {
        Some(newsletter) => {
            let words = Words::of(&newsletter.language);
            newsletter_page(newsletter, title(words), body(words))
        }
        None => page("en", title(&ENGLISH), html! { h1 { (title(&ENGLISH)) } (body(&ENGLISH)) }),
    }
}

/// There is nothing here.
pub fn not_found() -> Markup {
    page(
        "en",
        "Not found",
        html! {
            h1 { "There is nothing here" }
            p { "The link may be incomplete: mail programs break long ones sometimes. A confirmation link works for 30 days." }
        },
    )
}

/// Something is broken on our side.
pub fn unavailable() -> Markup {
    page(
        "en",
        "Please try again",
        html! {
            h1 { "Please try again in a moment" }
            p { "Something on our side does not work right now. Nothing you did is lost, but it is not recorded either." }
        },
    )
}
