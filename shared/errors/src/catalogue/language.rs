//! The languages there are, and which of them a client would rather have.

use std::cmp::Reverse;

/// More ranges than this nobody means.
const MOST_RANGES: usize = 32;

/// A language of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// The one our own sentences are written in.
    English,
    /// German.
    German,
    /// Spanish.
    Spanish,
    /// Chinese, in simplified characters.
    Chinese,
}

impl Language {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::English, Self::German, Self::Spanish, Self::Chinese];

    /// Its tag (BCP 47).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::Spanish => "es",
            Self::Chinese => "zh",
        }
    }

    /// The language the values of `Accept-Language` ask for first that there is: the lookup of RFC 4647,
    /// section 3.4, with the qualities of RFC 9110, section 12.5.4. None when they ask for no other
    /// than those there are not.
    #[must_use]
    pub fn wanted<'a>(accepted: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let lists = accepted.into_iter().flat_map(|text| text.split(','));
        let ranges = lists.filter_map(Range::of).take(MOST_RANGES);
        let (unwanted, mut wanted): (Vec<_>, Vec<_>) = ranges.partition(|one| one.quality == 0);
        // Stable: among equals the first counts.
        wanted.sort_by_key(|one| Reverse(one.quality));
        let is_unwanted = |language: &Self| {
            let tag = language.tag();
            unwanted.iter().any(|one| one.tag.eq_ignore_ascii_case(tag))
        };
        let found = wanted.iter().filter_map(|range| look_up(range.tag));
        found.into_iter().find(|language| !is_unwanted(language))
    }
}

/// The language of a range, or of what it is a part of: `de-Latn-AT`, `de-Latn`, `de`.
fn look_up(range: &str) -> Option<Language> {
    let mut tag = range;
    loop {
        let found = Language::ALL
            .into_iter()
            .find(|one| one.tag().eq_ignore_ascii_case(tag));
        if found.is_some() {
            return found;
        }
        tag = tag.rsplit_once('-')?.0;
        // What a single letter or digit opens goes with it.
        if let Some((shorter, last)) = tag.rsplit_once('-')
            && last.len() == 1
        {
            tag = shorter;
        }
    }
}

struct Range<'a> {
    tag: &'a str,
    /// In thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let tag = parts.next().filter(|tag| !tag.is_empty())?;
        let weight = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
        });
        let quality = weight.map_or(Some(1_000), thousandths)?;
        Some(Self { tag, quality })
    }
}

/// A weight: 0 to 1 with at most three digits behind the point.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_weight = matches!(whole, "0" | "1")
        && part.len() <= 3
        && part.bytes().all(|byte| byte.is_ascii_digit());
    let digits = is_weight.then(|| format!("{whole}{part:0<3}"))?;
    digits.parse().ok().filter(|number| *number <= 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_that_there_is() {
        use Language::{Chinese, English, German, Spanish};
        for (accepted, found) in [
            ("de", Some(German)),
            ("DE-at", Some(German)),
            ("zh-Hant-TW", Some(Chinese)),
            ("es-419, en;q=0.5", Some(Spanish)),
            ("fr, de;q=0.2, es;q=0.7", Some(Spanish)),
            ("en;q=0.8, de;q=0.8", Some(English)),
            ("fr-CA, fr;q=0.9, zh;q=0.1", Some(Chinese)),
            // x opens a private part, which goes with it.
            ("de-x-plain", Some(German)),
            ("de;q=0, es;q=0.1", Some(Spanish)),
            ("de-AT, de;q=0", None),
            ("de;q=1.5, es;q=0.1", Some(Spanish)),
            ("de;q=bad", None),
            // Whatever we like: our own.
            ("*", None),
            ("fr, *;q=0.1", None),
            ("", None),
            (",;,=", None),
            ("deutsch", None),
        ] {
            assert_eq!(Language::wanted([accepted]), found, "{accepted}");
        }
        assert_eq!(Language::wanted(["fr", "de"]), Some(German));
        assert_eq!(Language::wanted([]), None);
    }
}
