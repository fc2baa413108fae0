//! Which media types carry a JSON body, and which of several a client would rather have.

/// Whether a body of this `Content-Type` is read as JSON: `application/json`, any `+json`,
/// `text/json`, or none given. Parameters such as `charset` do not matter.
#[must_use]
pub fn accepts_json_body(content_type: Option<&str>) -> bool {
    let Some(content_type) = content_type else {
        return true;
    };
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.is_empty() {
        return true;
    }
    let Some((kind, subtype)) = essence.split_once('/') else {
        return false;
    };
    let is_json = subtype.eq_ignore_ascii_case("json");
    if kind.eq_ignore_ascii_case("application") || kind.eq_ignore_ascii_case("text") {
        return is_json || has_json_suffix(subtype);
    }
    has_json_suffix(subtype)
}

/// Which of `offers` an `Accept` asks for: the one of the highest quality, among equals one that is
/// named before one that a wildcard covers, then the first offer. Without `Accept`, the first; `None`
/// when none is accepted.
#[must_use]
pub fn preferred<'a>(
    accept: impl IntoIterator<Item = &'a str>,
    offers: &[&'static str],
) -> Option<&'static str> {
    let ranges: Vec<Range<'_>> = accept
        .into_iter()
        .flat_map(|text| text.split(','))
        .filter_map(Range::of)
        .collect();
    if ranges.is_empty() {
        return offers.first().copied();
    }
    let mut best: Option<((u16, u8), &'static str)> = None;
    for offer in offers {
        // The narrowest range that covers an offer says how welcome it is (RFC 9110, section 12.5.1).
        let covering = ranges.iter().filter(|range| range.covers(offer));
        let Some(range) = covering.max_by_key(|range| range.narrowness()) else {
            continue;
        };
        let rank = (range.quality, range.narrowness());
        if range.quality > 0 && best.is_none_or(|(known, _)| rank > known) {
            best = Some((rank, offer));
        }
    }
    best.map(|(_, offer)| offer)
}

/// One range of an `Accept`.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// In thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let quality = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
        });
        let quality = quality.map_or(Some(1.0), |text| text.parse::<f32>().ok())?;
        Some(Self {
            kind,
            subtype,
            quality: (quality.clamp(0.0, 1.0) * 1_000.0) as u16,
        })
    }

    fn covers(&self, offer: &str) -> bool {
        let Some((kind, subtype)) = offer.split_once('/') else {
            return false;
        };
        let is_same = |range: &str, own: &str| range == "*" || range.eq_ignore_ascii_case(own);
        is_same(self.kind, kind) && is_same(self.subtype, subtype)
    }

    fn narrowness(&self) -> u8 {
        u8::from(self.kind != "*") + u8::from(self.subtype != "*")
    }
}

fn has_json_suffix(subtype: &str) -> bool {
    subtype
        .rsplit_once('+')
        .is_some_and(|(name, suffix)| !name.is_empty() && suffix.eq_ignore_ascii_case("json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_its_spellings_is_taken() {
        assert!(accepts_json_body(None));
        for taken in [
            "",
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/merge-patch+json",
            "text/json",
        ] {
            assert!(accepts_json_body(Some(taken)), "{taken}");
        }
    }

    #[test]
    fn accept_chooses() {
        let offers = [
            "text/event-stream",
            "application/x-ndjson",
            "application/json",
        ];
        for (accept, chosen) in [
            ("", Some("text/event-stream")),
            ("*/*", Some("text/event-stream")),
            ("text/*;q=0.5, application/JSON", Some("application/json")),
            (
                "application/json, text/plain, */*",
                Some("application/json"),
            ),
            ("application/*", Some("application/x-ndjson")),
            (
                "application/json;q=0.5, application/x-ndjson; q=0.9",
                Some("application/x-ndjson"),
            ),
            ("*/*, text/event-stream;q=0", Some("application/x-ndjson")),
            ("image/png", None),
            ("application/json;q=0", None),
        ] {
            assert_eq!(preferred([accept], &offers), chosen, "{accept}");
        }
        assert_eq!(preferred([], &offers), Some("text/event-stream"));
        assert_eq!(
            preferred(["image/png", "application/json"], &offers),
            Some("application/json")
        );
    }

    #[test]
    fn everything_else_is_not() {
        for refused in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "image/png",
            "json",
            "a/+json",
        ] {
            assert!(!accepts_json_body(Some(refused)), "{refused}");
        }
    }
}
