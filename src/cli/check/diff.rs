//! The difference that mending made, as `diff -u` shows it.

use std::ops::Range;

/// Lines shown around a change.
const AROUND: usize = 3;

/// The unified difference of two texts with the same lines, some of them changed; empty where none is.
pub(super) fn unified(name: &str, before: &str, after: &str) -> String {
    let before: Vec<&str> = before.split_inclusive('\n').collect();
    let after: Vec<&str> = after.split_inclusive('\n').collect();
    let changed = (0..before.len().max(after.len())).filter(|at| before.get(*at) != after.get(*at));
    let mut hunks: Vec<Range<usize>> = Vec::new();
    for at in changed {
        match hunks.last_mut() {
            Some(hunk) if at <= hunk.end + 2 * AROUND => hunk.end = at + 1,
            _ => hunks.push(at..at + 1),
        }
    }
    if hunks.is_empty() {
        return String::new();
    }
    let mut text = format!("--- {name}\n+++ {name}\n");
    for hunk in hunks {
        let start = hunk.start.saturating_sub(AROUND);
        let end = (hunk.end + AROUND).min(before.len());
        text.push_str(&format!("@@ -{},{} +{},{} @@\n", start + 1, end - start, start + 1, end - start));
        let mut at = start;
        while at < end {
            if before.get(at) == after.get(at) {
                push(&mut text, ' ', &before, at);
                at += 1;
                continue;
            }
            let changed = (at..end).take_while(|at| before.get(*at) != after.get(*at)).count();
            (at..at + changed).for_each(|at| push(&mut text, '-', &before, at));
            (at..at + changed).for_each(|at| push(&mut text, '+', &after, at));
            at += changed;
        }
    }
    text
}

fn push(text: &mut String, sign: char, lines: &[&str], at: usize) {
    let Some(line) = lines.get(at) else { return };
    text.push(sign);
    text.push_str(line);
    if !line.ends_with('\n') {
        text.push_str("\n\\ No newline at end of file\n");
    }
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn changes_stand_among_three_lines_of_context() {
        let before = "1\n2\n3\n4\nold\nold\n7\n8\n9\n10\n11\n12\n13\n14\nend";
        let after = before.replace("old", "new").replace("end", "END");
        let expected = "--- a.md\n+++ a.md\n@@ -2,8 +2,8 @@\n 2\n 3\n 4\n-old\n-old\n+new\n+new\n 7\n 8\n 9\n\
                        @@ -12,4 +12,4 @@\n 12\n 13\n 14\n-end\n\\ No newline at end of file\n+END\n\\ No newline at end of file\n";
        assert_eq!(unified("a.md", before, &after), expected);
        assert_eq!(unified("a.md", before, before), "");
    }
}
