//! Cursor pagination: lists run from the newest id to the oldest (AIP-158).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

const DEFAULT_SIZE: i32 = 20;
const MAX_SIZE: i32 = 100;

/// Which page of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// How many items at most, 1 to 100.
    pub size: u64,
    /// Only items with an id below this one.
    pub before: Option<Uuid>,
}

/// What is wrong with a page request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPage {
    /// Field `pageSize`.
    #[error("must be 1 to 100, or left out for 20")]
    Size,
    /// Field `pageToken`.
    #[error("must be the nextPageToken of the page before")]
    Token,
}

impl InvalidPage {
    /// The JSON name of the wrong field.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Size => "pageSize",
            Self::Token => "pageToken",
        }
    }
}

impl PageRequest {
    /// Reads the two fields every list request has.
    ///
    /// # Errors
    /// A size outside 0 to 100, or a token that no page gave.
    pub fn parse(size: i32, token: &str) -> Result<Self, InvalidPage> {
        let size = match size {
            0 => DEFAULT_SIZE,
            1..=MAX_SIZE => size,
            _ => return Err(InvalidPage::Size),
        };
        let before = match token {
            "" => None,
            text => Some(decode(text).ok_or(InvalidPage::Token)?),
        };
        Ok(Self {
            size: u64::from(size.unsigned_abs()),
            before,
        })
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Asks for the next page; empty on the last.
    pub next_token: String,
}

impl<T> Page<T> {
    /// Makes a page of rows read with `size + 1` as their limit: the extra row only tells that
    /// there is a next page.
    #[must_use]
    pub fn from_rows(mut rows: Vec<T>, request: PageRequest, id: impl Fn(&T) -> Uuid) -> Self {
        let size = usize::try_from(request.size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let last = rows.last().filter(|_| more);
        let next_token = last
            .map(|row| URL_SAFE_NO_PAD.encode(id(row)))
            .unwrap_or_default();
        Self {
            items: rows,
            next_token,
        }
    }

    /// The same page of something else.
    #[must_use]
    pub fn map<U>(self, into: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(into).collect(),
            next_token: self.next_token,
        }
    }
}

fn decode(token: &str) -> Option<Uuid> {
    Uuid::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(PageRequest::parse(0, "").map(|page| page.size), Ok(20));
        assert_eq!(PageRequest::parse(100, "").map(|page| page.size), Ok(100));
        assert_eq!(PageRequest::parse(101, ""), Err(InvalidPage::Size));
        assert_eq!(PageRequest::parse(-1, ""), Err(InvalidPage::Size));
        assert_eq!(PageRequest::parse(1, "what"), Err(InvalidPage::Token));
    }

    #[test]
    fn a_full_page_points_to_the_next() {
        let request = PageRequest {
            size: 2,
            before: None,
        };
        let ids: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
        let page = Page::from_rows(ids.clone(), request, |id| *id);
        assert_eq!(page.items.len(), 2);
        let next = PageRequest::parse(2, &page.next_token).unwrap();
        assert_eq!(next.before, Some(ids[1]));
        assert_eq!(
            Page::from_rows(ids[2..].to_vec(), next, |id| *id).next_token,
            ""
        );
    }
}
