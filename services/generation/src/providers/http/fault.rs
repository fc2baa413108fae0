//! The classes of failure, by status, and the sentence each is told with.

use reqwest::StatusCode;

use crate::domain::provider::{ErrorClass, ProviderError, Spent};

const MAX_DETAIL: usize = 500;

/// An error of a class, with our sentence for it and the provider's words for the log.
pub fn fault(class: ErrorClass, detail: impl Into<String>) -> ProviderError {
    let detail: String = detail.into();
    ProviderError {
        class,
        message: sentence(class).to_owned(),
        detail: cut(&detail),
        retry_after: None,
        spent: Spent::default(),
    }
}

/// What a status means when the body says nothing better (providers.md 10.2).
///
/// 504, 520 and 524 are answers of a proxy that passed the order on and heard nothing.
pub fn by_status(status: StatusCode) -> ErrorClass {
    match status.as_u16() {
        200..=299 => ErrorClass::InvalidOutput,
        401..=403 | 407 => ErrorClass::Account,
        408 | 425 => ErrorClass::Unavailable,
        429 => ErrorClass::RateLimited,
        451 => ErrorClass::Policy,
        400..=499 => ErrorClass::Invalid,
        504 | 520 | 524 => ErrorClass::Ambiguous,
        _ => ErrorClass::Unavailable,
    }
}

/// Asking about an order failed, not the order: whatever a status would mean for an order, it is asked
/// about again. A refused key stays what it is.
pub fn again(error: ProviderError) -> ProviderError {
    match error.class {
        ErrorClass::Account | ErrorClass::RateLimited => error,
        _ => ProviderError {
            retry_after: error.retry_after,
            ..fault(ErrorClass::Unavailable, error.detail)
        },
    }
}

fn sentence(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Invalid => "the provider does not accept this order",
        ErrorClass::Policy => "the provider refused this order by its content policy",
        ErrorClass::RateLimited => "the provider takes no more orders at the moment",
        ErrorClass::Account => "the provider does not serve this installation at the moment",
        ErrorClass::Unavailable => "the provider is not available at the moment",
        ErrorClass::InvalidOutput => "the provider's answer holds no picture",
        ErrorClass::Ambiguous => {
            "the provider gave no answer; it is not known whether it took the order"
        }
    }
}

// One line of at most 500 characters: what a provider sends must not forge log lines.
fn cut(detail: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    detail.chars().take(MAX_DETAIL).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_their_class() {
        let class = |status: u16| by_status(StatusCode::from_u16(status).unwrap());
        for (status, want) in [
            (200, ErrorClass::InvalidOutput),
            (302, ErrorClass::Unavailable),
            (400, ErrorClass::Invalid),
            (401, ErrorClass::Account),
            (402, ErrorClass::Account),
            (403, ErrorClass::Account),
            (404, ErrorClass::Invalid),
            (408, ErrorClass::Unavailable),
            (422, ErrorClass::Invalid),
            (429, ErrorClass::RateLimited),
            (451, ErrorClass::Policy),
            (500, ErrorClass::Unavailable),
            (503, ErrorClass::Unavailable),
            (504, ErrorClass::Ambiguous),
            (524, ErrorClass::Ambiguous),
            (529, ErrorClass::Unavailable),
        ] {
            assert_eq!(class(status), want, "{status}");
        }
    }

    #[test]
    fn details_are_one_short_line() {
        let error = fault(ErrorClass::Invalid, format!("a\nb{}", "ü".repeat(900)));
        assert_eq!(error.detail.chars().count(), 500);
        assert!(error.detail.starts_with("a b"));
    }
}
