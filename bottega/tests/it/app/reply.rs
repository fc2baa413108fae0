//! An HTTP answer with what tests ask of it.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// A whole HTTP answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Reply {
    /// Sends a request and reads the answer whole.
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let answer = Self::maybe(request).await;
        answer.expect("the gateway answers, and its answer is whole")
    }

    /// The same where there may be nobody to answer.
    pub async fn maybe(request: reqwest::RequestBuilder) -> Option<Self> {
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = response.bytes().await.ok()?.to_vec();
        Some(Self {
            status,
            headers,
            bytes,
        })
    }

    /// The JSON of the body.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// A header's text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Demands a status, showing the body when it is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// Demands the one error body with this status and reason, and gives its ErrorInfo metadata.
    #[track_caller]
    pub fn expect_error(&self, status: u16, reason: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        let body = self.json();
        let error = &body["error"];
        assert_eq!(error["code"], status, "{body}");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{body}"
        );
        assert!(
            error["status"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{body}"
        );
        assert!(
            error["timestamp"]
                .as_str()
                .is_some_and(|text| text.ends_with('Z')),
            "{body}"
        );
        assert_eq!(error["requestId"], self.header("x-request-id"), "{body}");
        let details = error["details"].as_array().expect("details");
        let info = details
            .iter()
            .find(|one| one["reason"].is_string())
            .expect("ErrorInfo");
        assert_eq!(info["reason"], reason, "{body}");
        assert_eq!(info["domain"], "bottega", "{body}");
        info["metadata"].clone()
    }

    /// Demands a 400 naming this field: its value is wrong, or there is no such field.
    #[track_caller]
    pub fn expect_field(&self, field: &str) {
        assert_eq!(self.status, 400, "{}", self.text());
        let fields = self.violated_fields();
        assert!(
            fields.iter().any(|one| one == field),
            "{field} not in {fields:?}: {}",
            self.text()
        );
    }

    /// Every field named by the error.
    pub fn violated_fields(&self) -> Vec<String> {
        let body = self.json();
        let details = body["error"]["details"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        details
            .iter()
            .filter_map(|detail| detail["fieldViolations"].as_array())
            .flatten()
            .map(|violation| violation["field"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}
