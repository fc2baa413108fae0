//! The page that shows the OpenAPI document to people and calls the API from a browser. All of it is in
//! the binary, and its policy lets it load and call nothing but this gateway.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};

/// Pictures that were answered are shown as blobs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A file of the page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct File {
    path: &'static str,
    content_type: &'static str,
    text: &'static str,
}

static FILES: [File; 7] = [
    File {
        path: "/docs",
        content_type: "text/html; charset=utf-8",
        text: include_str!("docs/index.html"),
    },
    File {
        path: "/docs/style.css",
        content_type: "text/css; charset=utf-8",
        text: include_str!("docs/style.css"),
    },
    File {
        path: "/docs/main.js",
        content_type: SCRIPT,
        text: include_str!("docs/main.js"),
    },
    File {
        path: "/docs/dom.js",
        content_type: SCRIPT,
        text: include_str!("docs/dom.js"),
    },
    File {
        path: "/docs/schema.js",
        content_type: SCRIPT,
        text: include_str!("docs/schema.js"),
    },
    File {
        path: "/docs/operation.js",
        content_type: SCRIPT,
        text: include_str!("docs/operation.js"),
    },
    File {
        path: "/docs/call.js",
        content_type: SCRIPT,
        text: include_str!("docs/call.js"),
    },
];

/// The file at a path, if there is one.
pub(super) fn find(path: &str) -> Option<&'static File> {
    let path = if path == "/docs/" { "/docs" } else { path };
    FILES.iter().find(|file| file.path == path)
}

impl File {
    /// The file, to be asked about each time: it changes with the binary.
    pub(super) fn page(&self) -> Response {
        let headers = [
            (CONTENT_TYPE, self.content_type),
            (CONTENT_SECURITY_POLICY, POLICY),
            (CACHE_CONTROL, "no-cache"),
        ];
        (headers, self.text).into_response()
    }
}
