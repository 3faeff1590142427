//! Text from outside as people may read it: nothing in it hides, or turns what stands beside it around.

/// Whether a character cannot be seen, or turns others around: no name needs one, and it could pass for another.
pub fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{2800}' | '\u{13430}'..='\u{13440}' | '\u{16fe4}'
                | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Whether there is nothing to see in it.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|letter| is_invisible(letter) || letter.is_whitespace())
}

/// The text without what cannot be seen. Emoji of several parts stay together; between letters, what joins them would
/// make two names of one that look the same.
pub fn legible(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut letters = text.chars().filter(|letter| is_joint(*letter) || !is_invisible(*letter)).peekable();
    while let Some(letter) = letters.next() {
        let before = kept.chars().next_back();
        let stays = match letter {
            AS_PICTURE => before.is_some_and(is_emoji),
            JOINER => {
                before.is_some_and(|before| before == AS_PICTURE || is_emoji(before))
                    && letters.peek().copied().is_some_and(is_emoji)
            }
            _ => true,
        };
        if stays {
            kept.push(letter);
        }
    }
    kept
}

/// Makes one emoji of two.
const JOINER: char = '\u{200d}';

/// Asks for the coloured picture of the symbol before it.
const AS_PICTURE: char = '\u{fe0f}';

fn is_joint(letter: char) -> bool {
    matches!(letter, JOINER | AS_PICTURE)
}

/// By whole blocks of symbols: emoji are added every year. None of them holds letters.
fn is_emoji(letter: char) -> bool {
    matches!(
        letter,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{23ff}'
            | '\u{24c2}' | '\u{25a0}'..='\u{27bf}' | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}' | '\u{3030}'
            | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn emoji_of_several_parts_stay_whole() {
        for whole in [
            "👩\u{200d}💻",
            "❤\u{fe0f}\u{200d}🔥",
            "👩🏽\u{200d}⚕\u{fe0f}",
            "👨\u{200d}👩\u{200d}👧",
            "☀\u{fe0f}",
        ] {
            let name = format!("王 {whole} 芳");
            assert_eq!(legible(&name), name);
        }
    }

    #[test]
    fn nothing_else_is_joined_by_what_nobody_sees() {
        for (text, kept) in [
            ("\u{200d}\u{fe0f}\u{200d}", ""),
            ("L\u{200d}i\u{fe0f}n", "Lin"),
            ("👩\u{200d}", "👩"),
            ("👩\u{200d}\u{200d}💻", "👩\u{200d}💻"),
            ("👩\u{200d}L", "👩L"),
            ("L\u{200d}👩", "L👩"),
            ("❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}"),
            ("👩\u{200b}\u{200d}\u{202e}💻", "👩\u{200d}💻"),
        ] {
            assert_eq!(legible(text), kept, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_legible_stays_as_it_is(text in "[a王 ❤👩💻\u{200d}\u{fe0f}\u{202e}]{0,12}") {
            let kept = legible(&text);
            prop_assert_eq!(legible(&kept), kept.as_str());
            prop_assert_eq!(is_blank(&kept), is_blank(&text));
        }
    }
}
