//! The names that a style sheet may have, and the nearest to one that it may not.

/// The properties of CSS, as of its snapshot of 2024, and the older ones of mail programs.
const PROPERTIES: &str = "\
    accent-color align-content align-items align-self all animation animation-delay animation-direction \
    animation-duration animation-fill-mode animation-iteration-count animation-name animation-play-state \
    animation-timing-function appearance aspect-ratio azimuth backdrop-filter backface-visibility background \
    background-attachment background-blend-mode background-clip background-color background-image background-origin \
    background-position background-position-x background-position-y background-repeat background-size block-size \
    border border-block border-block-color border-block-end border-block-end-color border-block-end-style \
    border-block-end-width border-block-start border-block-start-color border-block-start-style \
    border-block-start-width border-block-style border-block-width border-bottom border-bottom-color \
    border-bottom-left-radius border-bottom-right-radius border-bottom-style border-bottom-width border-collapse \
    border-color border-end-end-radius border-end-start-radius border-image border-image-outset border-image-repeat \
    border-image-slice border-image-source border-image-width border-inline border-inline-color border-inline-end \
    border-inline-end-color border-inline-end-style border-inline-end-width border-inline-start \
    border-inline-start-color border-inline-start-style border-inline-start-width border-inline-style \
    border-inline-width border-left border-left-color border-left-style border-left-width border-radius border-right \
    border-right-color border-right-style border-right-width border-spacing border-start-end-radius \
    border-start-start-radius border-style border-top border-top-color border-top-left-radius \
    border-top-right-radius border-top-style border-top-width border-width bottom box-decoration-break box-shadow \
    box-sizing break-after break-before break-inside caption-side caret-color clear clip clip-path clip-rule color \
    color-adjust color-interpolation color-scheme column-count column-fill column-gap column-rule column-rule-color \
    column-rule-style column-rule-width column-span column-width columns contain content content-visibility \
    counter-increment counter-reset counter-set cursor direction display empty-cells fill fill-opacity fill-rule \
    filter flex flex-basis flex-direction flex-flow flex-grow flex-shrink flex-wrap float font font-family \
    font-feature-settings font-kerning font-language-override font-optical-sizing font-palette font-size \
    font-size-adjust font-stretch font-style font-synthesis font-synthesis-style font-synthesis-weight font-variant \
    font-variant-alternates font-variant-caps font-variant-east-asian font-variant-emoji font-variant-ligatures \
    font-variant-numeric font-variant-position font-variation-settings font-weight font-width forced-color-adjust gap \
    grid grid-area grid-auto-columns grid-auto-flow grid-auto-rows grid-column grid-column-end grid-column-gap \
    grid-column-start grid-gap grid-row grid-row-end grid-row-gap grid-row-start grid-template grid-template-areas \
    grid-template-columns grid-template-rows hanging-punctuation height hyphenate-character hyphenate-limit-chars \
    hyphens image-orientation image-rendering initial-letter inline-size inset inset-block inset-block-end \
    inset-block-start inset-inline inset-inline-end inset-inline-start isolation justify-content justify-items \
    justify-self left letter-spacing line-break line-clamp line-height line-height-step list-style list-style-image \
    list-style-position list-style-type margin margin-block margin-block-end margin-block-start margin-bottom \
    margin-inline margin-inline-end margin-inline-start margin-left margin-right margin-top margin-trim mask \
    mask-border mask-clip mask-composite mask-image mask-mode mask-origin mask-position mask-repeat mask-size \
    mask-type max-block-size max-height max-inline-size max-width min-block-size min-height min-inline-size min-width \
    mix-blend-mode object-fit object-position opacity order orphans outline outline-color outline-offset \
    outline-style outline-width overflow overflow-anchor overflow-block overflow-clip-margin overflow-inline \
    overflow-wrap overflow-x overflow-y padding padding-block padding-block-end padding-block-start padding-bottom \
    padding-inline padding-inline-end padding-inline-start padding-left padding-right padding-top page \
    page-break-after page-break-before page-break-inside paint-order perspective perspective-origin place-content \
    place-items place-self pointer-events position print-color-adjust quotes resize right rotate row-gap ruby-align \
    ruby-position scale scroll-behavior scroll-margin scroll-padding scrollbar-color scrollbar-gutter scrollbar-width \
    shape-image-threshold shape-margin shape-outside size speak stroke stroke-width tab-size table-layout text-align \
    text-align-all text-align-last text-anchor text-autospace text-box text-box-edge text-box-trim \
    text-combine-upright text-decoration text-decoration-color text-decoration-line text-decoration-skip \
    text-decoration-skip-ink text-decoration-style text-decoration-thickness text-emphasis text-emphasis-color \
    text-emphasis-position text-emphasis-style text-indent text-justify text-orientation text-overflow \
    text-rendering text-shadow text-size-adjust text-spacing text-spacing-trim text-transform text-underline-offset \
    text-underline-position text-wrap text-wrap-mode text-wrap-style top touch-action transform transform-box \
    transform-origin transform-style transition transition-behavior transition-delay transition-duration \
    transition-property transition-timing-function translate unicode-bidi user-select vertical-align visibility \
    white-space white-space-collapse widows width will-change word-break word-spacing word-wrap writing-mode z-index \
    zoom";

/// The elements of HTML.
const ELEMENTS: &str = "\
    a abbr acronym address article aside audio b bdi bdo big blink blockquote body br button caption center cite code \
    col colgroup data dd del details dfn dialog dir div dl dt em fieldset figcaption figure font footer form h1 h2 h3 \
    h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label legend li link main map mark marquee menu \
    meta nav nobr ol optgroup option p picture pre progress q rp rt ruby s samp section select small source span \
    strike strong style sub summary sup svg table tbody td textarea tfoot th thead time title tr track tt u ul var \
    video wbr";

/// What is to be said of a property that CSS does not have.
pub(super) fn unknown_property(name: &str) -> Option<String> {
    // of vendors, variables and Outlook
    if name.starts_with('-') || name.starts_with("mso-") || is_one_of(name, PROPERTIES) {
        return None;
    }
    Some(match nearest(name, PROPERTIES) {
        Some(known) => format!("`{name}` is no property; is `{known}` meant?"),
        None => format!("`{name}` is no property that mail programs know; look for a typing mistake"),
    })
}

/// What is to be said of an element in a selector that HTML does not have.
pub(super) fn unknown_element(name: &str) -> Option<String> {
    if name.contains(['-', '|']) || is_one_of(name, ELEMENTS) {
        return None;
    }
    let meant = nearest(name, ELEMENTS).map_or(String::new(), |known| format!("`{known}` or "));
    Some(format!("`{name}` is no element of HTML; is {meant}the class `.{name}` meant?"))
}

/// What is to be said of a word that a property has no use for; only of properties whose words are few.
pub(super) fn unknown_word(property: &str, word: &str) -> Option<String> {
    let words = words_of(property)?;
    if word.starts_with('-') || is_one_of(word, words) || is_one_of(word, GLOBAL) {
        return None;
    }
    let meant = nearest(word, words).map_or(String::new(), |known| format!("; is `{known}` meant?"));
    Some(format!("`{word}` is no value of `{property}`{meant}"))
}

/// Values that every property has.
const GLOBAL: &str = "inherit initial unset revert revert-layer";

/// The words that a property takes.
fn words_of(property: &str) -> Option<&'static str> {
    const LINE: &str = "none hidden dotted dashed solid double groove ridge inset outset";
    Some(match property {
        "border-collapse" => "collapse separate",
        "border-style" | "border-top-style" | "border-right-style" | "border-bottom-style" | "border-left-style" => {
            LINE
        }
        "box-sizing" => "border-box content-box padding-box",
        "caption-side" => "top bottom left right block-start block-end inline-start inline-end",
        "clear" => "none left right both inline-start inline-end",
        "direction" => "ltr rtl",
        "display" => {
            "none block inline inline-block flex inline-flex grid inline-grid table inline-table list-item contents \
             flow flow-root math ruby ruby-base ruby-text run-in table-row-group table-header-group \
             table-footer-group table-row table-cell table-column-group table-column table-caption"
        }
        "empty-cells" => "show hide",
        "float" => "none left right inline-start inline-end footnote",
        "font-style" => "normal italic oblique",
        "font-weight" => "normal bold bolder lighter",
        "hyphens" => "none manual auto",
        "list-style-position" => "inside outside",
        "overflow" | "overflow-x" | "overflow-y" => "visible hidden clip scroll auto overlay",
        "overflow-wrap" | "word-wrap" => "normal break-word anywhere",
        "position" => "static relative absolute fixed sticky",
        "table-layout" => "auto fixed",
        "text-align" => "left right center justify start end match-parent justify-all",
        "text-transform" => "none capitalize uppercase lowercase full-width full-size-kana math-auto",
        "vertical-align" => "baseline sub super text-top text-bottom middle top bottom",
        "visibility" => "visible hidden collapse",
        "white-space" => {
            "normal pre nowrap pre-wrap break-spaces pre-line collapse preserve preserve-breaks preserve-spaces wrap \
             discard-before discard-after discard-inner none"
        }
        "word-break" => "normal break-all keep-all break-word auto-phrase manual",
        _ => return None,
    })
}

fn is_one_of(name: &str, known: &str) -> bool {
    known.split_whitespace().any(|known| known.eq_ignore_ascii_case(name))
}

/// The known name that is most like this one, if a slip or two make one of the other.
fn nearest(name: &str, known: &'static str) -> Option<&'static str> {
    // of few letters nearly all are near
    let most = match name.chars().count() {
        0..=2 => return None,
        3..=5 => 1,
        _ => 2,
    };
    let name = name.to_ascii_lowercase();
    let near = known.split_whitespace().filter(|known| known.len().abs_diff(name.len()) <= most);
    let near = near.map(|known| (slips(&name, known), known)).filter(|(slips, _)| *slips <= most);
    // a slip is seldom in the first letter
    near.min_by_key(|(slips, known)| (*slips, known.chars().next() != name.chars().next())).map(|(_, known)| known)
}

/// How many letters are wrong, missing, too many, or have changed places with the next (optimal string alignment).
fn slips(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut line = vec![row + 1];
        for (at, wanted) in other.iter().enumerate() {
            let mut least = (above[at] + usize::from(letter != wanted)).min(above[at + 1] + 1).min(line[at] + 1);
            if row > 0 && at > 0 && one[row - 1] == *wanted && *letter == other[at - 1] {
                least = least.min(before[at - 1] + 1);
            }
            line.push(least);
        }
        before = std::mem::replace(&mut above, line);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_or_two_lead_to_the_name_that_is_meant() {
        for (written, meant) in [
            ("disply", "`display`"),
            ("colr", "`color`"),
            ("colour", "`color`"),
            ("font-wieght", "`font-weight`"),
            ("text-aling", "`text-align`"),
            ("background-colour", "`background-color`"),
            ("magrin", "`margin`"),
        ] {
            assert_eq!(unknown_property(written), Some(format!("`{written}` is no property; is {meant} meant?")));
        }
        assert!(unknown_property("banana").is_some_and(|said| said.contains("typing mistake")));
        assert!(unknown_element("tabel").is_some_and(|said| said.ends_with("is `table` or the class `.tabel` meant?")));
        assert!(unknown_element("lead").is_some_and(|said| said.contains("the class `.lead`")));
        assert!(unknown_word("text-align", "centre").is_some_and(|said| said.ends_with("is `center` meant?")));
        assert_eq!(unknown_word("float", "middle"), Some("`middle` is no value of `float`".to_owned()));
    }

    #[test]
    fn what_is_right_or_a_vendors_own_is_left_alone() {
        for name in ["-webkit-font-smoothing", "-MS-text-size-adjust", "--own", "mso-line-height-rule", "COLOR", "zoom"]
        {
            assert_eq!(unknown_property(name), None);
        }
        for name in ["H1", "center", "o-p", "td"] {
            assert_eq!(unknown_element(name), None);
        }
        for (property, word) in [
            ("text-align", "-webkit-center"),
            ("float", "INHERIT"),
            ("font-family", "Arail"),
            ("vertical-align", "middle"),
            ("display", "table-cell"),
        ] {
            assert_eq!(unknown_word(property, word), None);
        }
    }
}
