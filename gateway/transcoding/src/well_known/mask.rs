//! Field masks: camelCase paths joined by commas on the outside, snake_case inside.

/// What a text must be to be read as a field mask.
pub(crate) const EXPECTED: &str =
    "must be field paths in lowerCamelCase joined by commas, e.g. displayName,image.width";

/// The paths of a mask's text. `snake_too` also takes paths that are in snake_case already.
pub(crate) fn parse(text: &str, snake_too: bool) -> Option<Vec<String>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.split(',')
        .map(|path| snake_case(path, snake_too))
        .collect()
}

/// The text of a mask; `None` when a path would not come back the same.
pub(crate) fn format<'p>(paths: impl Iterator<Item = &'p str>) -> Option<String> {
    let mut text = String::new();
    for path in paths {
        if !text.is_empty() {
            text.push(',');
        }
        push_camel_case(&mut text, path)?;
    }
    Some(text)
}

fn snake_case(path: &str, snake_too: bool) -> Option<String> {
    if path.split('.').any(str::is_empty) {
        return None;
    }
    let mut out = String::with_capacity(path.len() + 4);
    for letter in path.chars() {
        match letter {
            'A'..='Z' => {
                out.push('_');
                out.push(letter.to_ascii_lowercase());
            }
            '_' if !snake_too => return None,
            'a'..='z' | '0'..='9' | '_' | '.' => out.push(letter),
            _ => return None,
        }
    }
    Some(out)
}

fn push_camel_case(text: &mut String, path: &str) -> Option<()> {
    let mut letters = path.chars();
    while let Some(letter) = letters.next() {
        match letter {
            'A'..='Z' => return None,
            '_' => {
                let next = letters.next().filter(char::is_ascii_lowercase)?;
                text.push(next.to_ascii_uppercase());
            }
            other => text.push(other),
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_both_ways() {
        let paths = parse("fooBar,b.cD", false).unwrap();
        assert_eq!(paths, ["foo_bar", "b.c_d"]);
        assert_eq!(
            format(paths.iter().map(String::as_str)).unwrap(),
            "fooBar,b.cD"
        );
        assert_eq!(parse("", false), Some(Vec::new()));
    }

    #[test]
    fn snake_case_is_taken_where_asked() {
        assert_eq!(parse("foo_bar", true).unwrap(), ["foo_bar"]);
        assert_eq!(parse("foo_bar", false), None);
    }

    #[test]
    fn paths_that_do_not_come_back_are_refused() {
        for path in ["fooBar", "foo_3_bar", "foo__bar", "foo_"] {
            assert_eq!(format([path].into_iter()), None, "{path}");
        }
        for text in ["a,", "a..b", "a b", "a,é", "."] {
            assert_eq!(parse(text, true), None, "{text}");
        }
    }
}
