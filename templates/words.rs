//! The words that every issue needs, by language.
//!
//! A language more is one table more and one line in [`Words::of`].

use time::{Date, Month};

use super::script::{Script, primary};

/// The fixed words of one language.
#[derive(Debug)]
pub struct Words {
    /// Their language, as a BCP 47 tag.
    pub language: &'static str,
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
    /// A reader whose name nobody knows.
    pub reader: &'static str,
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
    /// Subject and heading of the mail that welcomes a reader.
    pub welcome_subject: fn(name: &str) -> String,
    /// What happens from now on.
    pub welcome_promise: &'static str,
    /// The button to the newest issue.
    pub welcome_button: &'static str,
    /// Subject and heading of the mail that says goodbye.
    pub goodbye_subject: fn(name: &str) -> String,
    /// What happens from now on.
    pub goodbye_promise: &'static str,
    /// The button that leads back.
    pub goodbye_button: &'static str,
}

impl Words {
    /// The direction of the words where they stand among those of a language that runs the other way.
    pub(super) fn direction_in(&self, language: &str) -> Option<&'static str> {
        let own = Script::of(self.language).direction();
        (own != Script::of(language).direction()).then_some(own)
    }

    /// The language of a mail in these words that is meant for readers of `language`.
    pub(crate) fn language_for<'a>(&self, language: &'a str) -> &'a str {
        if primary(self.language) == primary(language) { language } else { self.language }
    }

    /// The words for a BCP 47 tag; English where there are none.
    pub fn of(language: &str) -> &'static Self {
        match primary(language).as_str() {
            "ar" => &ARABIC,
            "de" => &GERMAN,
            "es" => &SPANISH,
            "fr" => &FRENCH,
            "ja" => &JAPANESE,
            "zh" if is_traditional(language) => &TRADITIONAL_CHINESE,
            "zh" => &CHINESE,
            _ => &ENGLISH,
        }
    }
}

/// Whether a tag of Chinese means traditional characters: by its script, or else by its region.
fn is_traditional(language: &str) -> bool {
    let mut parts = language.split(['-', '_']).skip(1).map(str::to_ascii_lowercase);
    parts.find_map(|part| match part.as_str() {
        "hant" | "tw" | "hk" | "mo" => Some(true),
        "hans" => Some(false),
        _ => None,
    }) == Some(true)
}

/// The name of a month in a list of twelve.
fn month(names: [&'static str; 12], month: Month) -> &'static str {
    names[usize::from(u8::from(month)) - 1]
}

/// `1. `, as most languages number.
fn with_full_stop(number: u32) -> String {
    format!("{number}. ")
}

/// `2025年5月31日`.
fn east_asian_date(date: Date) -> String {
    format!("{}年{}月{}日", date.year(), u8::from(date.month()), date.day())
}

static ENGLISH: Words = Words {
    language: "en",
    read_online: "Read online",
    past_issues: "Past issues",
    why: |name| format!("You get this email because you signed up for {name}."),
    unsubscribe: "Unsubscribe",
    all_issues: "All issues",
    image: "Image",
    reader: "reader",
    number: with_full_stop,
    date: |date| format!("{} {} {}", date.day(), date.month(), date.year()),
    colon: ":",
    confirm_subject: |name| format!("Confirm your subscription to {name}"),
    confirm_request: |name| {
        format!("This address was signed up for {name}. If that was you, confirm it, and the next issue is yours.")
    },
    confirm_button: "Confirm subscription",
    confirm_ignore: "If it was not you, ignore this email: without your confirmation nothing more will come.",
    welcome_subject: |name| format!("Welcome to {name}"),
    welcome_promise: "Your subscription is confirmed, and the next issue will come to this address. Every issue has a link to leave.",
    welcome_button: "Read the newest issue",
    goodbye_subject: |name| format!("You have left {name}"),
    goodbye_promise: "No further issue will come to this address. If that was a mistake, you can sign up again at any time.",
    goodbye_button: "Sign up again",
};

static CHINESE: Words = Words {
    language: "zh",
    read_online: "在线阅读",
    past_issues: "往期回顾",
    why: |name| format!("你收到这封邮件，是因为你订阅了《{name}》。"),
    unsubscribe: "退订",
    all_issues: "全部期刊",
    image: "图片",
    reader: "读者",
    number: |number| format!("{number}、"),
    date: east_asian_date,
    colon: "：",
    confirm_subject: |name| format!("请确认订阅《{name}》"),
    confirm_request: |name| format!("有人用这个邮箱地址订阅了《{name}》。如果是你本人，请确认订阅，下一期就会寄给你。"),
    confirm_button: "确认订阅",
    confirm_ignore: "如果不是你本人，忽略这封邮件即可：未经确认，我们不会再寄来任何邮件。",
    welcome_subject: |name| format!("欢迎订阅《{name}》"),
    welcome_promise: "订阅已确认，下一期会寄到这个邮箱。每期邮件都附有退订链接。",
    welcome_button: "阅读最新一期",
    goodbye_subject: |name| format!("你已退订《{name}》"),
    goodbye_promise: "我们不会再向这个邮箱寄送新的一期。如果是误操作，随时可以重新订阅。",
    goodbye_button: "重新订阅",
};

static TRADITIONAL_CHINESE: Words = Words {
    language: "zh-Hant",
    read_online: "線上閱讀",
    past_issues: "往期回顧",
    why: |name| format!("你收到這封郵件，是因為你訂閱了《{name}》。"),
    unsubscribe: "取消訂閱",
    all_issues: "所有期數",
    image: "圖片",
    reader: "讀者",
    number: |number| format!("{number}、"),
    date: east_asian_date,
    colon: "：",
    confirm_subject: |name| format!("請確認訂閱《{name}》"),
    confirm_request: |name| {
        format!("有人用這個電子郵件地址訂閱了《{name}》。如果是你本人，請確認訂閱，下一期就會寄給你。")
    },
    confirm_button: "確認訂閱",
    confirm_ignore: "如果不是你本人，請忽略這封郵件：未經確認，我們不會再寄來任何郵件。",
    welcome_subject: |name| format!("歡迎訂閱《{name}》"),
    welcome_promise: "訂閱已確認，下一期會寄到這個信箱。每期郵件都附有取消訂閱的連結。",
    welcome_button: "閱讀最新一期",
    goodbye_subject: |name| format!("你已取消訂閱《{name}》"),
    goodbye_promise: "我們不會再向這個信箱寄送新的一期。如果是誤操作，隨時可以重新訂閱。",
    goodbye_button: "重新訂閱",
};

static GERMAN: Words = Words {
    language: "de",
    read_online: "Online lesen",
    past_issues: "Frühere Ausgaben",
    why: |name| format!("Sie erhalten diese E-Mail, weil Sie {name} abonniert haben."),
    unsubscribe: "Abbestellen",
    all_issues: "Alle Ausgaben",
    image: "Bild",
    reader: "Leserin oder Leser",
    number: with_full_stop,
    date: |date| {
        let names = [
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ];
        format!("{}. {} {}", date.day(), month(names, date.month()), date.year())
    },
    colon: ":",
    confirm_subject: |name| format!("Bitte bestätigen Sie Ihr Abonnement: {name}"),
    confirm_request: |name| {
        format!(
            "Mit dieser Adresse wurde {name} abonniert. Wenn Sie das waren, bestätigen Sie es bitte; dann kommt die nächste Ausgabe zu Ihnen."
        )
    },
    confirm_button: "Abonnement bestätigen",
    confirm_ignore: "Wenn Sie das nicht waren, ignorieren Sie diese E-Mail: Ohne Ihre Bestätigung kommt nichts weiter.",
    welcome_subject: |name| format!("Willkommen bei {name}"),
    welcome_promise: "Ihr Abonnement ist bestätigt, die nächste Ausgabe kommt an diese Adresse. In jeder Ausgabe steht ein Link zum Abbestellen.",
    welcome_button: "Die neueste Ausgabe lesen",
    goodbye_subject: |name| format!("Sie haben {name} abbestellt"),
    goodbye_promise: "An diese Adresse kommt keine weitere Ausgabe. Wenn das ein Versehen war, können Sie sich jederzeit wieder anmelden.",
    goodbye_button: "Wieder anmelden",
};

static FRENCH: Words = Words {
    language: "fr",
    read_online: "Lire en ligne",
    past_issues: "Numéros précédents",
    why: |name| format!("Vous recevez cet e-mail parce que vous êtes abonné à {name}."),
    unsubscribe: "Se désabonner",
    all_issues: "Tous les numéros",
    image: "Image",
    reader: "chère lectrice, cher lecteur",
    number: with_full_stop,
    date: |date| {
        let names = [
            "janvier",
            "février",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet",
            "août",
            "septembre",
            "octobre",
            "novembre",
            "décembre",
        ];
        format!(
            "{} {} {}",
            if date.day() == 1 { "1er".to_owned() } else { date.day().to_string() },
            month(names, date.month()),
            date.year()
        )
    },
    colon: "\u{a0}:",
    confirm_subject: |name| format!("Confirmez votre abonnement à {name}"),
    confirm_request: |name| {
        format!(
            "Cette adresse a été inscrite à {name}. Si c’était vous, confirmez l’inscription et le prochain numéro vous parviendra."
        )
    },
    confirm_button: "Confirmer l’abonnement",
    confirm_ignore: "Si ce n’était pas vous, ignorez cet e-mail\u{a0}: sans votre confirmation, vous ne recevrez plus rien.",
    welcome_subject: |name| format!("Bienvenue à {name}"),
    welcome_promise: "Votre abonnement est confirmé et le prochain numéro arrivera à cette adresse. Chaque numéro contient un lien de désabonnement.",
    welcome_button: "Lire le dernier numéro",
    goodbye_subject: |name| format!("Vous avez quitté {name}"),
    goodbye_promise: "Aucun autre numéro ne sera envoyé à cette adresse. Si c’était une erreur, vous pouvez vous réabonner à tout moment.",
    goodbye_button: "Se réabonner",
};

static SPANISH: Words = Words {
    language: "es",
    read_online: "Leer en línea",
    past_issues: "Números anteriores",
    why: |name| format!("Recibes este correo porque te suscribiste a {name}."),
    unsubscribe: "Cancelar la suscripción",
    all_issues: "Todos los números",
    image: "Imagen",
    reader: "lector o lectora",
    number: with_full_stop,
    date: |date| {
        let names = [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ];
        format!("{} de {} de {}", date.day(), month(names, date.month()), date.year())
    },
    colon: ":",
    confirm_subject: |name| format!("Confirma tu suscripción a {name}"),
    confirm_request: |name| {
        format!("Alguien suscribió esta dirección a {name}. Si fuiste tú, confírmalo y recibirás el próximo número.")
    },
    confirm_button: "Confirmar la suscripción",
    confirm_ignore: "Si no fuiste tú, ignora este correo: sin tu confirmación no recibirás nada más.",
    welcome_subject: |name| format!("Te damos la bienvenida a {name}"),
    welcome_promise: "Tu suscripción está confirmada y el próximo número llegará a esta dirección. Cada número incluye un enlace para cancelar la suscripción.",
    welcome_button: "Leer el último número",
    goodbye_subject: |name| format!("Has dejado {name}"),
    goodbye_promise: "No enviaremos más números a esta dirección. Si fue un error, puedes volver a suscribirte cuando quieras.",
    goodbye_button: "Volver a suscribirme",
};

static JAPANESE: Words = Words {
    language: "ja",
    read_online: "ブラウザで読む",
    past_issues: "バックナンバー",
    why: |name| format!("このメールは「{name}」の購読者にお送りしています。"),
    unsubscribe: "配信停止",
    all_issues: "すべての号",
    image: "画像",
    reader: "読者",
    number: with_full_stop,
    date: east_asian_date,
    colon: "：",
    confirm_subject: |name| format!("「{name}」の購読の確認"),
    confirm_request: |name| {
        format!(
            "このメールアドレスで「{name}」の購読申し込みがありました。ご本人の場合は、購読を確認してください。次の号からお届けします。"
        )
    },
    confirm_button: "購読を確認する",
    confirm_ignore: "お心当たりがない場合は、このメールを無視してください。確認されない限り、以後メールは届きません。",
    welcome_subject: |name| format!("「{name}」へようこそ"),
    welcome_promise: "購読が確認されました。次の号からこのアドレスにお届けします。各号に配信停止のリンクがあります。",
    welcome_button: "最新号を読む",
    goodbye_subject: |name| format!("「{name}」の配信を停止しました"),
    goodbye_promise: "このアドレスへの配信を停止しました。誤って操作した場合は、いつでも再登録できます。",
    goodbye_button: "再登録する",
};

static ARABIC: Words = Words {
    language: "ar",
    read_online: "اقرأ على الويب",
    past_issues: "أعداد سابقة",
    why: |name| format!("تصلك هذه الرسالة لأنك مشترك في {name}\u{200f}."),
    unsubscribe: "إلغاء الاشتراك",
    all_issues: "جميع الأعداد",
    image: "صورة",
    reader: "القارئ الكريم",
    number: with_full_stop,
    date: |date| {
        let names = [
            "يناير",
            "فبراير",
            "مارس",
            "أبريل",
            "مايو",
            "يونيو",
            "يوليو",
            "أغسطس",
            "سبتمبر",
            "أكتوبر",
            "نوفمبر",
            "ديسمبر",
        ];
        format!("{} {} {}", date.day(), month(names, date.month()), date.year())
    },
    colon: ":",
    confirm_subject: |name| format!("أكّد اشتراكك في {name}"),
    confirm_request: |name| {
        format!("طُلب اشتراك هذا العنوان في {name}\u{200f}. إن كنت أنت من طلبه فأكّد الاشتراك، وسيصلك العدد القادم.")
    },
    confirm_button: "تأكيد الاشتراك",
    confirm_ignore: "إن لم تطلب ذلك فتجاهل هذه الرسالة: لن يصلك أي شيء آخر دون تأكيدك.",
    welcome_subject: |name| format!("مرحبًا بك في {name}"),
    welcome_promise: "تم تأكيد اشتراكك، وسيصل العدد القادم إلى هذا العنوان. في كل عدد رابط لإلغاء الاشتراك.",
    welcome_button: "اقرأ أحدث عدد",
    goodbye_subject: |name| format!("تم إلغاء اشتراكك في {name}"),
    goodbye_promise: "لن يصل إلى هذا العنوان أي عدد آخر. إن حدث ذلك خطأً فيمكنك الاشتراك من جديد في أي وقت.",
    goodbye_button: "الاشتراك من جديد",
};

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn days_are_written_as_each_language_does() {
        let check = |language, expected: &str| assert_eq!((Words::of(language).date)(date!(2025 - 03 - 01)), expected);
        check("en-GB", "1 March 2025");
        check("zh", "2025年3月1日");
        check("de", "1. März 2025");
        check("fr", "1er mars 2025");
        check("es-MX", "1 de marzo de 2025");
        check("ja", "2025年3月1日");
        check("ar", "1 مارس 2025");
        check("tlh", "1 March 2025");
    }

    #[test]
    fn chinese_goes_by_script_then_region() {
        for (language, unsubscribe) in
            [("zh", "退订"), ("zh-CN", "退订"), ("zh-TW", "取消訂閱"), ("zh_Hant", "取消訂閱"), ("zh-Hans-HK", "退订")]
        {
            assert_eq!(Words::of(language).unsubscribe, unsubscribe, "{language}");
        }
    }
}
