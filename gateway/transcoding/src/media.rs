//! Which media types carry a JSON body.

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
