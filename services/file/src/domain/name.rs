//! File names: a label people read, never a path.

use std::fmt;

const MAX_BYTES: usize = 255;
const NAMELESS: &str = "file";

/// A name without path, control or direction characters, 1 to 255 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// Makes a name of whatever was given: the part after the last slash of either kind, without
    /// characters that act instead of being seen, cut to 255 bytes. What has nothing left is
    /// called `file`.
    #[must_use]
    pub fn clean(given: &str) -> Self {
        let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
        let seen: String = last.chars().filter(|c| !acts(*c)).collect();
        let trimmed = seen.trim();
        let cut = trimmed[..trimmed.floor_char_boundary(MAX_BYTES)].trim_end();
        match cut {
            "" | "." | ".." => Self(NAMELESS.to_owned()),
            name => Self(name.to_owned()),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// Control characters forge headers and logs; direction marks make `gpj.exe` read as `exe.jpg`.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_controls_are_dropped() {
        for (given, name) in [
            ("a.png", "a.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\cat.jpg", "cat.jpg"),
            ("a\0b\r\nc.png", "abc.png"),
            ("\u{202e}gnp.exe", "gnp.exe"),
            ("", "file"),
            ("dir/", "file"),
            ("..", "file"),
            ("  \t ", "file"),
            ("füchse 🦊.webp", "füchse 🦊.webp"),
        ] {
            assert_eq!(FileName::clean(given).as_str(), name, "{given:?}");
        }
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let name = FileName::clean(&"ü".repeat(5_000));
        assert_eq!(name.as_str().len(), 254);
        assert!(name.as_str().chars().all(|c| c == 'ü'));
    }

    #[test]
    fn cleaning_twice_changes_nothing() {
        let spaced = format!("{} b", "a".repeat(254));
        let once = FileName::clean(&spaced);
        assert_eq!(FileName::clean(once.as_str()), once);
    }
}
