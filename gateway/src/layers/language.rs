//! The language a client asks for (`Accept-Language`): errors are told in it.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use errors::Language;
use http::header::ACCEPT_LANGUAGE;

tokio::task_local! {
    static WANTED: Option<Language>;
}

/// Remembers it for as long as the request is worked on.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    let given = request.headers().get_all(ACCEPT_LANGUAGE).iter();
    let wanted = Language::wanted(given.filter_map(|value| value.to_str().ok()));
    WANTED.scope(wanted, next.run(request)).await
}

/// The language of the request that is being served; none when it asks for none there is.
pub(crate) fn current() -> Option<Language> {
    WANTED.try_with(|wanted| *wanted).unwrap_or_default()
}
