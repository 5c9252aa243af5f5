//! Code in colours: comments, strings, numbers and the words of the language, and no more.
//!
//! A mail has room for a few lines of code, so families of languages are enough; what is in none stays plain.

use crate::templates::CodeKind;

/// Pieces of one block at most: each costs some 40 bytes of the mail.
const PIECES: usize = 400;

/// Bytes of code beyond which nobody looks for colours, and characters of a string.
const CODE: usize = 20_000;
const STRING: usize = 1_000;

/// How the languages of a family write comments and strings, and which words are theirs.
struct Family {
    languages: &'static [&'static str],
    /// What begins a comment that the line ends.
    line: &'static [&'static str],
    /// What begins and ends a comment.
    block: Option<(&'static str, &'static str)>,
    /// What stands around strings, the longest first.
    quotes: &'static [&'static str],
    words: &'static [&'static str],
}

const FAMILIES: [Family; 7] = [
    Family {
        languages: &["rust", "rs"],
        line: &["//"],
        block: Some(("/*", "*/")),
        quotes: &["\""],
        words: &[
            "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false",
            "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return",
            "self", "Self", "static", "struct", "super", "trait", "true", "type", "unsafe", "use", "where", "while",
        ],
    },
    Family {
        languages: &[
            "c",
            "h",
            "cpp",
            "c++",
            "cc",
            "cs",
            "csharp",
            "dart",
            "go",
            "golang",
            "java",
            "javascript",
            "js",
            "jsx",
            "kotlin",
            "kt",
            "objc",
            "php",
            "scala",
            "swift",
            "ts",
            "tsx",
            "typescript",
            "zig",
        ],
        line: &["//"],
        block: Some(("/*", "*/")),
        quotes: &["\"", "'", "`"],
        words: &[
            "abstract",
            "as",
            "async",
            "await",
            "bool",
            "break",
            "case",
            "catch",
            "char",
            "class",
            "const",
            "continue",
            "default",
            "defer",
            "delete",
            "do",
            "double",
            "else",
            "enum",
            "export",
            "extends",
            "extern",
            "false",
            "final",
            "float",
            "for",
            "from",
            "func",
            "fun",
            "function",
            "go",
            "if",
            "implements",
            "import",
            "in",
            "instanceof",
            "int",
            "interface",
            "let",
            "long",
            "map",
            "namespace",
            "new",
            "nil",
            "null",
            "of",
            "override",
            "package",
            "private",
            "protected",
            "public",
            "range",
            "return",
            "select",
            "static",
            "struct",
            "super",
            "switch",
            "template",
            "this",
            "throw",
            "throws",
            "true",
            "try",
            "type",
            "typedef",
            "typeof",
            "undefined",
            "unsigned",
            "using",
            "val",
            "var",
            "virtual",
            "void",
            "while",
            "yield",
        ],
    },
    Family {
        languages: &["python", "py", "python3", "pycon", "starlark"],
        line: &["#"],
        block: None,
        quotes: &["\"\"\"", "'''", "\"", "'"],
        words: &[
            "False", "None", "True", "and", "as", "assert", "async", "await", "break", "case", "class", "continue",
            "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
            "lambda", "match", "nonlocal", "not", "or", "pass", "raise", "return", "self", "try", "while", "with",
            "yield",
        ],
    },
    Family {
        languages: &[
            "bash",
            "sh",
            "shell",
            "zsh",
            "ruby",
            "rb",
            "perl",
            "r",
            "toml",
            "yaml",
            "yml",
            "ini",
            "make",
            "makefile",
            "dockerfile",
            "elixir",
            "nix",
            "julia",
        ],
        line: &["#"],
        block: None,
        quotes: &["\"", "'"],
        words: &[
            "begin", "case", "class", "def", "do", "done", "elif", "else", "elsif", "end", "esac", "export", "false",
            "fi", "for", "function", "if", "in", "let", "local", "module", "my", "nil", "null", "require", "rescue",
            "return", "self", "then", "true", "unless", "until", "use", "while", "yield",
        ],
    },
    Family {
        languages: &["sql", "postgres", "postgresql", "mysql", "sqlite", "plpgsql"],
        line: &["--"],
        block: Some(("/*", "*/")),
        quotes: &["'"],
        words: &[
            "add",
            "all",
            "alter",
            "and",
            "as",
            "asc",
            "begin",
            "between",
            "by",
            "case",
            "commit",
            "create",
            "cross",
            "delete",
            "desc",
            "distinct",
            "drop",
            "else",
            "end",
            "exists",
            "false",
            "from",
            "full",
            "group",
            "having",
            "in",
            "index",
            "inner",
            "insert",
            "into",
            "is",
            "join",
            "key",
            "left",
            "like",
            "limit",
            "not",
            "null",
            "offset",
            "on",
            "or",
            "order",
            "outer",
            "primary",
            "references",
            "returning",
            "right",
            "rollback",
            "select",
            "set",
            "table",
            "then",
            "true",
            "union",
            "unique",
            "update",
            "using",
            "values",
            "when",
            "where",
            "with",
        ],
    },
    Family {
        languages: &["json", "jsonc", "json5"],
        line: &["//"],
        block: None,
        quotes: &["\""],
        words: &["false", "null", "true"],
    },
    Family {
        languages: &["css", "scss", "less", "html", "xml", "svg"],
        line: &[],
        block: Some(("/*", "*/")),
        quotes: &["\""],
        words: &[],
    },
];

/// Cuts code into pieces; `info` is what stands behind the fence, its first word the language.
pub(super) fn code(code: &str, info: &str) -> Vec<(CodeKind, String)> {
    let language = info.split([' ', ',', '{', ':']).next().unwrap_or_default().to_ascii_lowercase();
    match FAMILIES.iter().find(|family| family.languages.contains(&language.as_str())) {
        Some(family) if code.len() <= CODE => pieces(code, family, language.contains("sql")),
        _ => vec![(CodeKind::Plain, code.to_owned())],
    }
}

fn pieces(code: &str, family: &Family, any_case: bool) -> Vec<(CodeKind, String)> {
    let mut pieces: Vec<(CodeKind, String)> = Vec::new();
    let mut rest = code;
    while !rest.is_empty() {
        let (kind, length) = match pieces.len() < PIECES {
            true => token(rest, family, any_case),
            false => (CodeKind::Plain, rest.len()),
        };
        let (piece, behind) = rest.split_at(length);
        match pieces.last_mut() {
            Some((last, text)) if *last == kind => text.push_str(piece),
            _ => pieces.push((kind, piece.to_owned())),
        }
        rest = behind;
    }
    pieces
}

/// The kind of what a text begins with, and its length in bytes, at least one character.
fn token(text: &str, family: &Family, any_case: bool) -> (CodeKind, usize) {
    let line = text.find('\n').unwrap_or(text.len());
    if family.line.iter().any(|begin| text.starts_with(begin)) {
        return (CodeKind::Note, line);
    }
    if let Some((begin, end)) = family.block
        && let Some(inner) = text.strip_prefix(begin)
    {
        return (CodeKind::Note, inner.find(end).map_or(text.len(), |at| begin.len() + at + end.len()));
    }
    if let Some(length) = family.quotes.iter().find_map(|quote| string(text, quote)) {
        return (CodeKind::Text, length);
    }
    let word = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    if word == 0 {
        return (CodeKind::Plain, text.chars().next().map_or(1, char::len_utf8));
    }
    let is_own = match any_case {
        true => family.words.contains(&text[..word].to_ascii_lowercase().as_str()),
        false => family.words.contains(&&text[..word]),
    };
    let kind = if is_own {
        CodeKind::Word
    } else if text.starts_with(|c: char| c.is_ascii_digit()) {
        CodeKind::Text
    } else {
        CodeKind::Plain
    };
    (kind, word)
}

/// The length of a string that `text` begins with. One quote ends on its line: an apostrophe is none.
fn string(text: &str, quote: &str) -> Option<usize> {
    let inner = text.strip_prefix(quote)?;
    let mut escaped = false;
    for (at, c) in inner.char_indices().take(STRING) {
        if !escaped && inner[at..].starts_with(quote) {
            return Some(2 * quote.len() + at);
        }
        if c == '\n' && quote.len() == 1 && quote != "`" {
            return None;
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces of a kind.
    fn of(kind: CodeKind, info: &str, text: &str) -> Vec<String> {
        let pieces = code(text, info);
        assert_eq!(pieces.iter().map(|(_, piece)| piece.as_str()).collect::<String>(), text, "nothing is lost");
        pieces.into_iter().filter(|(found, _)| *found == kind).map(|(_, piece)| piece).collect()
    }

    #[test]
    fn comments_strings_and_words_are_told_apart() {
        let rust = "let a: &'a str = \"x // y\"; // let\n/* fn */ iffy(1_000)";
        assert_eq!(of(CodeKind::Word, "rust,ignore", rust), ["let"]);
        assert_eq!(of(CodeKind::Text, "rust", rust), ["\"x // y\"", "1_000"]);
        assert_eq!(of(CodeKind::Note, "rust", rust), ["// let", "/* fn */"]);
        let python = "def f():\n    \"\"\"It's\n    long\"\"\"\n    return 'a\\'b' # done";
        assert_eq!(of(CodeKind::Word, "Python", python), ["def", "return"]);
        assert_eq!(of(CodeKind::Text, "py", python), ["\"\"\"It's\n    long\"\"\"", "'a\\'b'"]);
        assert_eq!(of(CodeKind::Word, "sql", "SELECT 1 FROM x"), ["SELECT", "FROM"]);
    }

    #[test]
    fn what_nobody_knows_stays_plain() {
        assert_eq!(of(CodeKind::Plain, "", "let a = 1"), ["let a = 1"]);
        assert_eq!(of(CodeKind::Plain, "brainf", "+++ é"), ["+++ é"]);
        assert!(code("", "rust").is_empty());
    }

    #[test]
    fn long_and_broken_code_is_cut_off_not_lost() {
        let long = "if 1 ".repeat(4_000);
        assert!(code(&long, "c").len() <= PIECES + 1);
        of(CodeKind::Note, "c", "/* never");
        of(CodeKind::Text, "js", "`never 'never \"é");
        of(CodeKind::Text, "c", &"\"".repeat(20_000));
        assert_eq!(code(&"if ".repeat(7_000), "c").len(), 1);
    }
}
