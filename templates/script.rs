//! What follows from the script of a language: direction, fonts, line height.

/// A family of scripts that are set alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// Latin, Cyrillic, Greek and all that are set like them.
    Latin,
    /// Chinese, Japanese and Korean.
    Cjk,
    /// Arabic, Hebrew, Thaana and Syriac, from right to left.
    RightToLeft,
}

impl Script {
    /// The script of a BCP 47 tag; a tag may name it, `az-Arab`.
    pub(super) fn of(language: &str) -> Self {
        let mut parts = language.split(['-', '_']);
        let primary = parts.next().unwrap_or_default().to_ascii_lowercase();
        if let Some(script) = parts.find(|part| part.len() == 4 && part.bytes().all(|b| b.is_ascii_alphabetic())) {
            return match script.to_ascii_lowercase().as_str() {
                "arab" | "hebr" | "thaa" | "syrc" | "nkoo" | "adlm" => Self::RightToLeft,
                "hans" | "hant" | "jpan" | "kore" => Self::Cjk,
                _ => Self::Latin,
            };
        }
        match primary.as_str() {
            "ar" | "arc" | "ckb" | "dv" | "fa" | "he" | "iw" | "ps" | "sd" | "syr" | "ug" | "ur" | "yi" => {
                Self::RightToLeft
            }
            "zh" | "ja" | "ko" | "yue" => Self::Cjk,
            _ => Self::Latin,
        }
    }

    /// The value of `dir`.
    pub(super) fn direction(self) -> &'static str {
        if self == Self::RightToLeft { "rtl" } else { "ltr" }
    }

    /// The side on which lines begin; mail programs know the physical sides best.
    pub(super) fn start(self) -> &'static str {
        if self == Self::RightToLeft { "right" } else { "left" }
    }

    /// The side on which lines end.
    pub(super) fn end(self) -> &'static str {
        if self == Self::RightToLeft { "left" } else { "right" }
    }

    /// Line height of running text.
    pub(super) fn leading(self) -> &'static str {
        if self == Self::Latin { "1.55" } else { "1.7" }
    }

    /// The system's sans serif.
    pub(super) fn sans(self) -> &'static str {
        match self {
            Self::Latin => "-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif",
            Self::Cjk => {
                "-apple-system, 'PingFang SC', 'Hiragino Sans', 'Microsoft YaHei', 'Noto Sans CJK SC', Arial, sans-serif"
            }
            Self::RightToLeft => "-apple-system, 'Segoe UI', 'Noto Sans Arabic', Tahoma, Arial, sans-serif",
        }
    }

    /// The serif, short since every heading repeats it, where the script has one that readers have; else the sans serif.
    pub(super) fn serif(self) -> &'static str {
        if self == Self::Latin { "Georgia,serif" } else { self.sans() }
    }
}

/// The language of a tag without script and region: `zh` of `zh-Hans-CN`.
pub(super) fn primary(language: &str) -> String {
    language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_in_the_tag_wins() {
        let check = |tag, script| assert_eq!(Script::of(tag), script, "{tag}");
        check("en", Script::Latin);
        check("", Script::Latin);
        check("ar-EG", Script::RightToLeft);
        check("az-Arab", Script::RightToLeft);
        check("ku_Latn", Script::Latin);
        check("zh-Hant-TW", Script::Cjk);
        check("en-a-beef", Script::Latin);
    }
}
