//! A request that its client sends again, because the answer never came: what it ordered the first time is
//! found by its content, at whichever gateway, and not ordered once more.

use std::time::Duration;

use contracts::file::v1::{File, ListFilesRequest, ListFilesResponse};
use contracts::generation::v1::{
    Generation, ImageSpec, ListGenerationsRequest, ListGenerationsResponse, generation::Status,
};
use http::HeaderMap;
use types::{Clock, SystemClock};

use super::rpcs::{FILES, LIST, steady};
use crate::failure::Failure;
use crate::pipeline::inner::Inner;

/// The clients count their tries in it: 0 for the first.
const TRY: &str = "x-stainless-retry-count";
/// What is older than this was ordered by another request: clients give up sooner.
const RECENT: Duration = Duration::from_secs(30 * 60);
const PAGE: i32 = 100;

/// Whether a request was sent before.
pub(super) fn is_one(headers: &HeaderMap) -> bool {
    let count = headers.get(TRY).and_then(|count| count.to_str().ok());
    count.is_some_and(|count| count.parse::<u32>().is_ok_and(|count| count > 0))
}

/// What was ordered in the same words of late, newest first, at most `count`. Whoever orders the same
/// twice on purpose, and sends the second again, is given the first: that costs nobody anything.
pub(super) async fn ordered(
    inner: &Inner,
    spec: &ImageSpec,
    count: usize,
) -> Result<Vec<Generation>, Failure> {
    let request = ListGenerationsRequest {
        page_size: PAGE,
        ..ListGenerationsRequest::default()
    };
    let asked = || inner.unary::<ListGenerationsResponse>(LIST, &request, None);
    let (reply, _) = steady(asked).await?;
    let now = SystemClock.now();
    let since = now.micros() / 1_000_000 - RECENT.as_secs() as i64;
    let same = reply.generations.into_iter().filter(|one| {
        let is_recent = (one.created_at.as_ref()).is_some_and(|at| at.seconds >= since);
        let may_bring = !matches!(one.status(), Status::Failed | Status::Cancelled);
        is_recent && may_bring && (one.image.as_ref()).is_some_and(|image| is_same(image, spec))
    });
    Ok(same.take(count).collect())
}

// The seed is drawn for who names none, and so are defaults.
fn is_same(known: &ImageSpec, wanted: &ImageSpec) -> bool {
    let is_named = |known: &str, wanted: &str| wanted.is_empty() || known == wanted;
    known.prompt == wanted.prompt
        && wanted.width.is_none_or(|width| known.width == Some(width))
        && wanted
            .height
            .is_none_or(|height| known.height == Some(height))
        && known.input_file_ids == wanted.input_file_ids
        && known.mask_file_id == wanted.mask_file_id
        && known.quality == wanted.quality
        && known.background == wanted.background
        && is_named(&known.provider, &wanted.provider)
        && is_named(&known.model, &wanted.model)
}

/// The caller's latest files: one of the same bytes is the one that was sent before.
pub(super) async fn files(inner: &Inner) -> Result<Vec<File>, Failure> {
    let request = ListFilesRequest {
        page_size: PAGE,
        ..ListFilesRequest::default()
    };
    let asked = || inner.unary::<ListFilesResponse>(FILES, &request, None);
    let (reply, _) = steady(asked).await?;
    Ok(reply.files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_count_their_tries() {
        let counted = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(TRY, http::HeaderValue::from_static(text));
            is_one(&headers)
        };
        assert!(counted("1") && counted("2"));
        assert!(!counted("0") && !counted("-1") && !counted("x"));
        assert!(!is_one(&HeaderMap::new()));
    }

    #[test]
    fn the_same_order_is_known_by_what_it_names() {
        let wanted = ImageSpec {
            prompt: "a fox".to_owned(),
            width: Some(512),
            ..ImageSpec::default()
        };
        let known = ImageSpec {
            height: Some(1_024),
            seed: Some(7),
            model: "sketch".to_owned(),
            ..wanted.clone()
        };
        assert!(is_same(&known, &wanted));
        for change in [
            |spec: &mut ImageSpec| spec.prompt = "a bear".to_owned(),
            |spec: &mut ImageSpec| spec.width = Some(64),
            |spec: &mut ImageSpec| spec.input_file_ids = vec!["f".to_owned()],
            |spec: &mut ImageSpec| spec.quality = 1,
        ] {
            let mut other = known.clone();
            change(&mut other);
            assert!(!is_same(&other, &wanted), "{other:?}");
        }
    }
}
