//! Mojibake: UTF-8 that was once decoded as a one-byte encoding, and saved.
//!
//! An ideographic comma `、` is the bytes E3 80 81; read as Mac Roman they are `„ÄÅ`.
//! The way back is sure only where real text could not look like that,
//! so a run of damaged characters is judged by how many bytes agree and how odd they are side by side.

use std::sync::LazyLock;

use encoding_rs::{Encoding, MACINTOSH, WINDOWS_1252};

use super::Repair;

/// How many kinds of damage one text is freed from: two kinds, each through another.
const ROUNDS: usize = 4;

/// Mends what is surely damaged, layer by layer; text without damage comes back as it was.
pub(super) fn repair(text: String) -> (String, Vec<Repair>) {
    let mut repairs = Vec::new();
    let mut text = text;
    for _ in 0..ROUNDS {
        // text that went through both, one after the other, looks a little like the wrong one, too
        let layers = Damage::all().iter().map(|damage| (damage.trusted_runs(&text), damage.name));
        let Some((runs, name)) = layers.rev().max_by_key(|(runs, _)| extent(runs)) else { break };
        let Some(first) = runs.first() else { break };
        repairs.push(Repair {
            line: 1 + text[..first.start].matches('\n').count(),
            what: format!("{name} mojibake"),
            count: runs.len(),
        });
        text = mend(&text, &runs);
    }
    repairs.sort_by_key(|repair| repair.line);
    (text, repairs)
}

/// How many bytes of text runs take.
fn extent(runs: &[Run]) -> usize {
    runs.iter().map(|run| run.end - run.start).sum()
}

/// Puts the original characters of `runs` in place, and what was beneath them where that is certain of one.
fn mend(text: &str, runs: &[Run]) -> String {
    let before = |run: &Run| text[..run.start].chars().next_back().unwrap_or(' ');
    let beneath: Vec<_> = runs.iter().map(|run| beneath(&run.original, before(run))).collect();
    let twice = beneath.iter().flatten().any(|(_, certain)| *certain);
    let mut mended = String::with_capacity(text.len());
    let mut done = 0;
    for (run, beneath) in runs.iter().zip(&beneath) {
        mended.push_str(&text[done..run.start]);
        mended.push_str(beneath.as_ref().filter(|_| twice).map_or(&run.original, |(original, _)| original));
        done = run.end;
    }
    mended.push_str(&text[done..]);
    mended
}

/// What a mended run was, where it looks damaged itself, and whether that is certain; `before` stands before it.
fn beneath(original: &str, before: char) -> Option<(String, bool)> {
    Damage::all().iter().find_map(|damage| match damage.runs(original).as_mut_slice() {
        [run] if run.start == 0 && run.end == original.len() && run.trust >= Trust::Likely => {
            let certain = run.trust == Trust::Sure || (damage.before_damage)(before);
            Some((std::mem::take(&mut run.original), certain))
        }
        _ => None,
    })
}

/// Damaged characters side by side, as byte offsets, and what they were.
struct Run {
    start: usize,
    end: usize,
    original: String,
    trust: Trust,
}

/// How far a run is to be taken for damage.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trust {
    /// Real text can look like it.
    No,
    /// Damage, if the file has sure damage elsewhere.
    Likely,
    /// Real text cannot look like it.
    Sure,
}

/// One way in which UTF-8 gets damaged.
struct Damage {
    name: &'static str,
    /// The characters that the bytes 80 to FF became, sorted, with their bytes.
    bytes: Vec<(char, u8)>,
    /// What C2 and C3, the lead bytes of Latin-1 letters and signs, became: rare in real text.
    leads: [char; 2],
    /// What real text may have right behind one of the leads.
    behind_lead: fn(char) -> bool,
    /// What real text may have in a row.
    in_a_row: fn(char) -> bool,
    /// What real text does not have before a lead, so that damage that was itself damaged is certain there.
    before_damage: fn(char) -> bool,
    /// How far to trust three bytes that real text may have in a row.
    three: Trust,
}

impl Damage {
    fn all() -> &'static [Self; 2] {
        static ALL: LazyLock<[Damage; 2]> = LazyLock::new(|| [Damage::mac_roman(), Damage::windows_1252()]);
        &ALL
    }

    fn mac_roman() -> Self {
        Self {
            name: "Mac Roman",
            bytes: high_half(MACINTOSH),
            leads: ['¬', '√'],
            behind_lead: |c| c.is_alphabetic() || "∞∂∑∏∫".contains(c), // √π
            in_a_row: char::is_alphabetic,
            before_damage: char::is_lowercase, // 2√π
            three: Trust::Likely,
        }
    }

    fn windows_1252() -> Self {
        let mut bytes = high_half(WINDOWS_1252);
        // Latin-1 proper has controls where Windows-1252 has signs
        bytes.extend((0x80..=0x9f).map(|byte: u8| (char::from(byte), byte)));
        bytes.sort_unstable();
        bytes.dedup();
        Self {
            name: "Windows-1252",
            bytes,
            leads: ['Â', 'Ã'],
            behind_lead: |c| "\u{a0}‚„…‘’“”–—‹›«»™®".contains(c), // MANHÃ”
            // « café » ends in é, a no-break space and »: the bytes of a Han character
            before_damage: |c| !c.is_uppercase(), // MANHÃ”
            in_a_row: |c| c.is_alphabetic() || "\u{a0}‚„…‘’“”•–—™‹›¡¿§«»®©°±²³·´¨".contains(c),
            three: Trust::No,
        }
    }

    fn byte(&self, c: char) -> Option<u8> {
        let at = self.bytes.binary_search_by_key(&c, |(c, _)| *c).ok()?;
        self.bytes.get(at).map(|(_, byte)| *byte)
    }

    /// Finds the runs to mend.
    fn trusted_runs(&self, text: &str) -> Vec<Run> {
        let mut runs = if text.is_ascii() { Vec::new() } else { self.runs(text) };
        let proven = runs.iter().any(|run| run.trust == Trust::Sure);
        runs.retain(|run| proven && run.trust >= Trust::Likely);
        runs
    }

    /// Finds every maximal run whose bytes are UTF-8.
    fn runs(&self, text: &str) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut high: Vec<(usize, char, u8)> = Vec::new();
        let mut next = 0;
        while let Some((lead, rest)) = text.as_bytes().get(next..).and_then(<[u8]>::split_first) {
            match lead {
                0..0x80 => next += 1 + rest.iter().take_while(|byte| byte.is_ascii()).count(),
                // U+3000 to U+CFFF, most of a Chinese text: none of them stands for a byte
                0xe3..=0xec => next += 3,
                _ => {
                    let at = next;
                    let Some(c) = text[at..].chars().next() else { break };
                    next += c.len_utf8();
                    let Some(byte) = self.byte(c) else { continue };
                    if high.last().is_some_and(|(last, c, _)| last + c.len_utf8() != at) {
                        self.split(&std::mem::take(&mut high), &mut runs);
                    }
                    high.push((at, c, byte));
                }
            }
        }
        self.split(&high, &mut runs);
        runs
    }

    /// Cuts the stretches that are UTF-8 out of characters side by side.
    fn split(&self, high: &[(usize, char, u8)], runs: &mut Vec<Run>) {
        let bytes: Vec<u8> = high.iter().map(|(_, _, byte)| *byte).collect();
        let mut done = 0;
        for chunk in bytes.utf8_chunks() {
            let original = chunk.valid();
            let characters = &high[done..done + original.len()];
            if let (Some((start, ..)), Some((last, c, _))) = (characters.first(), characters.last()) {
                let trust = self.trust(original, characters);
                runs.push(Run { start: *start, end: last + c.len_utf8(), original: original.to_owned(), trust });
            }
            done += original.len() + chunk.invalid().len();
        }
    }

    fn trust(&self, original: &str, damaged: &[(usize, char, u8)]) -> Trust {
        if original.chars().any(is_no_text) {
            return if is_damaged_text(original) { Trust::Sure } else { Trust::No };
        }
        let odd_row = damaged.iter().any(|(_, c, _)| !(self.in_a_row)(*c));
        let odd_pair = damaged.iter().any(|(_, c, byte)| *byte < 0xc0 && !(self.behind_lead)(*c));
        let odd_lead = damaged.windows(2).any(|pair| match pair {
            [(_, lead, _), (_, c, byte)] => self.leads.contains(lead) && *byte < 0xc0 && !(self.behind_lead)(*c),
            _ => false,
        });
        let by_lead = damaged.iter().all(|(_, c, byte)| *byte < 0xc0 || self.leads.contains(c));
        match original.chars().map(char::len_utf8).max() {
            Some(4) => Trust::Sure,
            _ if damaged.len() >= 6 => Trust::Sure,
            // damaged twice: `ÃƒÅ“` was `Ãœ`, and that was `Ü`
            Some(2 | 3) if damaged.len() > 3 && is_damaged_text(original) => Trust::Sure,
            Some(3) if is_quoted_word(damaged) => Trust::Likely,
            Some(3) if odd_row || odd_lead => Trust::Sure,
            Some(3) => self.three,
            Some(2) if by_lead && odd_pair => Trust::Sure,
            Some(2) if by_lead => Trust::Likely,
            _ => Trust::No,
        }
    }
}

/// Whether characters may be how a word begins behind its quotation mark: `„öö“`, where `„ÄÅ` was `、`.
fn is_quoted_word(characters: &[(usize, char, u8)]) -> bool {
    matches!(characters, [(_, '„', _), (_, first, _), (_, second, _)]
        if first.is_alphabetic() && second.is_lowercase() || first.is_lowercase())
}

/// Whether a text that nobody wrote is real text, damaged once more.
fn is_damaged_text(text: &str) -> bool {
    let real = |bytes: Vec<u8>| String::from_utf8(bytes).is_ok_and(|original| !original.chars().any(is_no_text));
    let undo = |damage: &Damage| text.chars().map(|c| damage.byte(c)).collect::<Option<Vec<u8>>>();
    Damage::all().iter().any(|damage| undo(damage).is_some_and(real))
}

/// Controls, private characters and noncharacters: nobody wrote them.
fn is_no_text(c: char) -> bool {
    matches!(c, '\u{80}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..='\u{fffb}'
        | '\u{fffd}'..='\u{ffff}' | '\u{1fffe}'.. )
        && !matches!(c, '\u{20000}'..='\u{3ffff}' | '\u{e0000}'..='\u{e01ef}')
}

/// The characters of the bytes 80 to FF in an encoding, sorted.
fn high_half(encoding: &'static Encoding) -> Vec<(char, u8)> {
    let decode = |byte: u8| encoding.decode_without_bom_handling(&[byte]).0.chars().next().map(|c| (c, byte));
    let mut bytes: Vec<(char, u8)> = (0x80..=0xff).filter_map(decode).collect();
    bytes.sort_unstable();
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a text becomes when its UTF-8 is read as `encoding`.
    fn damage(text: &str, encoding: &'static Encoding) -> String {
        encoding.decode_without_bom_handling(text.as_bytes()).0.into_owned()
    }

    #[test]
    fn what_went_through_a_one_byte_encoding_comes_back() {
        for original in
            ["1、[a](b)", "## 🦄Reading", "🐿️ Tools", "“quoted” – and … more", "你好，世界", "Привет", "café"]
        {
            for (encoding, name) in [(MACINTOSH, "Mac Roman mojibake"), (WINDOWS_1252, "Windows-1252 mojibake")] {
                let damaged = damage(original, encoding);
                let (mended, repairs) = repair(format!("one\ntwo {damaged}"));
                assert_eq!(mended, format!("one\ntwo {original}"), "{damaged} through {name}");
                assert!(matches!(&repairs[..], [Repair { line: 2, what, .. }] if what == name), "{repairs:?}");
            }
        }
    }

    #[test]
    fn what_went_through_twice_comes_back() {
        for original in
            ["1、[a](b)", "## 🦄Reading", "🐿️ Tools", "“quoted” – and … more", "你好，世界", "Привет", "café"]
        {
            for first in [MACINTOSH, WINDOWS_1252] {
                for second in [MACINTOSH, WINDOWS_1252] {
                    let damaged = damage(&damage(original, first), second);
                    assert_eq!(repair(damaged.clone()).0, original, "{damaged}");
                }
            }
        }
    }

    /// What a text becomes when its UTF-8 is read as Latin-1 proper.
    fn damage_by_latin1(text: &str) -> String {
        text.bytes().map(char::from).collect()
    }

    #[test]
    fn sentences_that_went_through_twice_come_back() {
        let ways: [fn(&str) -> String; 3] =
            [|text| damage(text, MACINTOSH), |text| damage(text, WINDOWS_1252), damage_by_latin1];
        for original in [
            "Über die Größe der Äpfel: „Ölig“, fand das süße Mädchen.",
            "Où étaient l’été, le château et la garçonne ? Là, à Noël.",
            "¿Qué año? El señor dice: ¡mañana, según él!",
            "Amanhã não há pão, só irmãs e avó.",
            "1、[潮水](b)：码头上的人都知道。🦄",
        ] {
            for first in ways {
                for second in ways {
                    let damaged = second(&first(original));
                    assert_eq!(repair(damaged.clone()).0, original, "{damaged}");
                }
            }
        }
    }

    #[test]
    fn a_word_that_went_through_twice_comes_back() {
        for (damaged, original) in [
            ("GrÃƒÂ¶ÃƒÅ¸e", "Größe"),
            ("ÃƒÅ“ber", "Über"),
            ("Ãƒâ€žpfel", "Äpfel"),
            ("voilÃƒÂ\u{a0} lÃƒÂ\u{a0}-bas", "voilà là-bas"),
            ("gr‚àö¬∫n", "grün"),
            ("gar‚àö√üon", "garçon"),
        ] {
            assert_eq!(repair(damaged.to_owned()).0, original);
        }
        // damaged once: a capital before a quotation mark, and a root of pi
        for original in ["«MANHÃ»", "2√π"] {
            let encoding = if original.contains('√') { MACINTOSH } else { WINDOWS_1252 };
            assert_eq!(repair(damage(original, encoding)).0, original);
        }
    }

    #[test]
    fn a_run_is_counted_once_however_many_characters_it_has() {
        let damaged = damage("🐿️a🥂b、", MACINTOSH);
        assert_eq!(repair(damaged).1, [Repair { line: 1, what: "Mac Roman mojibake".into(), count: 3 }]);
    }

    #[test]
    fn real_text_is_never_changed() {
        for text in [
            "„quote“ und ‚halb‘ — naïve café, Ωmega, 2√π ≈ ∞, ¬π",
            "«école» et « café » … d’été…” (à « gauche »)",
            "IRMÃ… MANHÃ” ALEMÃ® Ä… Å‚ É° Þór Ólafía Íþrótt",
            "“über” –übrigens ‘à’ ”É“ …é ÷ä",
            "日本、語 🦄 Привет, Ελλάδα, שלום",
            "„öö“ „Ööd“ „över“",
            "naïveté ßß ÄÖÜäöü ñandú ÿ ¥€£ ™®© ½¾ µs °C",
            "Áíó ÊTRE Éé Îîö",
        ] {
            assert_eq!(repair(text.to_owned()), (text.to_owned(), vec![]));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn accents_are_no_damage(words in prop::collection::vec(word(), 1..40)) {
            let text = words.join(" ");
            prop_assert_eq!(repair(text.clone()), (text, vec![]));
        }
    }

    /// A word of some language, in one case or with a capital, with that language's quotation marks or without.
    fn word() -> impl Strategy<Value = String> {
        let language = prop::sample::select(vec![
            ("äöüßéabcdnrst", "„", "“"),
            ("äöüßéabcdnrst", "»", "«"),
            ("àâæçéèêëîïôœùûüÿaelnrst", "«\u{a0}", "\u{a0}»"),
            ("áéíóúüñaelnrst", "¿", "?"),
            ("ãõâêôáéíóúàçaelnrst", "“", "”"),
            ("åäöæøéaelnrst", "”", "”"),
            ("ăâđêôơưàảãáạằẳẵắặầẩẫấậèéẽẹìíòóùúýỳỹ", "“", "”"),
            ("ąćęłńóśźżaelnrst", "„", "”"),
            ("áčďéěíňóřšťúůýžaelnrst", "„", "“"),
            ("çğıöşüâaelnrst", "‘", "’"),
            ("þðæöáéíóúýaelnrst", "„", "“"),
            ("абвгдеёжзийклмнопрстуфхцчшщъыьэюя", "«", "»"),
            ("αβγδεζηθικλμνξοπρστυφχψωάέήίόύώ", "«", "»"),
            ("潮水每天涨落两次码头上的人都知道、，。", "《", "》"),
            ("ひらがなカタカナ漢字、。", "「", "」"),
        ]);
        language.prop_flat_map(|(letters, open, close)| {
            let letters: Vec<char> = letters.chars().collect();
            let word = prop::collection::vec(prop::sample::select(letters), 1..9);
            // Latin words have no three accents in a row
            let word = word.prop_map(|mut letters| {
                let latin = |c: &char| *c < '\u{180}' && !c.is_ascii();
                for at in 2..letters.len() {
                    if letters[at - 2..=at].iter().all(latin) {
                        letters[at] = 'n';
                    }
                }
                letters
            });
            let end = prop::sample::select(vec!["", "", ",", ".", "…", " –", "’s"]);
            (word, 0..3u8, any::<bool>(), end).prop_map(move |(letters, case, quoted, end)| {
                let word: String = letters.iter().collect();
                let mut rest = letters.iter();
                // nobody writes capitals of nothing but accents: `„ÄÄ“`
                let plain = letters.iter().take(2).any(char::is_ascii);
                let word = match case {
                    2 if plain => word.to_uppercase(),
                    1 => rest.next().into_iter().flat_map(|c| c.to_uppercase()).chain(rest.copied()).collect(),
                    _ => word,
                };
                if quoted { format!("{open}{word}{close}{end}") } else { word + end }
            })
        })
    }

    #[test]
    fn text_beside_damage_stays() {
        let text = format!("é{}文 «é» été", damage("、", MACINTOSH));
        assert_eq!(repair(text).0, "é、文 «é» été");
    }
}
