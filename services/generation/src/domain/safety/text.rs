//! Makes words plain: one spelling, nothing that cannot be seen, and nothing that gives a provider orders
//! of its own.

use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

// Servers that speak for Stable Diffusion read settings and models out of the prompt itself.
const ORDERS: &str = r"(?is)<\s*sd_cpp_extra_args\s*>.*?(<\s*/\s*sd_cpp_extra_args\s*>|$)|</?\s*(lora|lyco|hypernet|sd_cpp_extra_args)\b[^<>]*>";

static PROVIDER_ORDERS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(ORDERS).ok());

/// Words as they are kept and sent: NFKC, without what cannot be seen and without orders to providers.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut words: String = text.nfkc().filter_map(visible).collect();
    // What is left may be another such order that stood around this one.
    while let Some(orders) = PROVIDER_ORDERS.as_ref() {
        let without = orders.replace_all(&words, "");
        if without.len() == words.len() {
            break;
        }
        words = without.into_owned();
    }
    words.trim().to_owned()
}

/// Words as rules look at them: besides, in lower case and without marks or joiners.
#[must_use]
pub fn folded(text: &str) -> String {
    let apart = text.nfkd().filter(|letter| {
        !unicode_normalization::char::is_combining_mark(*letter) && !is_joiner(*letter)
    });
    apart.flat_map(char::to_lowercase).collect()
}

fn visible(letter: char) -> Option<char> {
    match letter {
        '\n' | '\t' => Some(letter),
        '\r' => Some('\n'),
        _ if letter.is_control() || is_hidden(letter) => None,
        _ => Some(letter),
    }
}

// Zero width, direction, tags. Joiners stay: scripts and emoji are written with them.
const fn is_hidden(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

const fn is_joiner(letter: char) -> bool {
    matches!(letter, '\u{200c}' | '\u{200d}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_one_spelling_and_hide_nothing() {
        for (text, plain) in [
            ("a fox", "a fox"),
            ("ｆｏｘ ① ﬁre", "fox 1 fire"),
            ("cafe\u{301}", "café"),
            ("f\u{200b}o\u{ad}x\u{feff}", "fox"),
            ("\u{202e}xof\u{202c}", "xof"),
            ("a\u{1b}[31m fox\u{7}", "a[31m fox"),
            ("two\r\nlines", "two\n\nlines"),
            ("  \u{200b} ", ""),
            ("نمی\u{200c}خواهم", "نمی\u{200c}خواهم"),
        ] {
            assert_eq!(clean(text), plain, "{text:?}");
        }
    }

    #[test]
    fn orders_to_providers_are_taken_out() {
        for (text, plain) in [
            ("a fox <lora:style:0.8> at night", "a fox  at night"),
            ("<LORA:x:1><hypernet:y:1><lyco:z>fox", "fox"),
            ("＜lora:x:1＞fox", "fox"),
            ("<lo<lora:x:1>ra:y:1>fox", "fox"),
            (
                "fox <sd_cpp_extra_args>{\"steps\": 500}</sd_cpp_extra_args>",
                "fox",
            ),
            ("fox <sd_cpp_extra_args>{\"steps\": 500}", "fox"),
            ("</sd_cpp_extra_args> fox", "fox"),
            ("a < b > c, (fox:1.3)", "a < b > c, (fox:1.3)"),
        ] {
            assert_eq!(clean(text), plain, "{text:?}");
        }
    }

    #[test]
    fn rules_see_through_disguises() {
        assert_eq!(folded(&clean("F\u{200b}Ö\u{200d}X")), "fox");
    }

    #[test]
    fn cleaning_twice_changes_nothing() {
        for text in ["ﬁ <lora:a> x", "a\u{200b}b", "e\u{301}", "<<lora:x>lora:y>"] {
            let once = clean(text);
            assert_eq!(clean(&once), once);
        }
    }
}
