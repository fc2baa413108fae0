//! How an rpc's streams become HTTP bodies.

use contracts::policy::v1::Policy;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use transcoding::{Body, Route};

/// How requests and replies of an rpc travel.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// One message there, one back.
    Unary,
    /// A server stream of bytes.
    Download,
    /// A server stream of messages, as server-sent events.
    Events(EventRule),
    /// A client stream of bytes.
    Upload(UploadRule),
}

/// Where an event's parts are in the message, as paths of fields.
#[derive(Debug, Clone)]
pub(crate) struct EventRule {
    pub(crate) id: Vec<FieldDescriptor>,
    pub(crate) event: Vec<FieldDescriptor>,
    /// The request field that `Last-Event-ID` fills.
    pub(crate) resume: Option<FieldDescriptor>,
}

/// Where the bytes of an upload come from.
#[derive(Debug, Clone)]
pub(crate) struct UploadRule {
    /// The multipart part with the bytes; empty when multipart is not taken.
    pub(crate) part: String,
    /// The request field the part's file name fills.
    pub(crate) name: Option<FieldDescriptor>,
}

impl Shape {
    /// Reads the shape off the rpc and its policy.
    pub(super) fn of(route: &Route, policy: &Policy) -> Result<Self, String> {
        let method = &route.method;
        match (method.is_client_streaming(), method.is_server_streaming()) {
            (false, false) => Ok(Self::Unary),
            (false, true) if route.returns_http_body() => Ok(Self::Download),
            (false, true) => events(route, policy).map(Self::Events),
            (true, false) => upload(route, policy).map(Self::Upload),
            (true, true) => Err("streams both ways have no HTTP form".to_owned()),
        }
    }
}

fn events(route: &Route, policy: &Policy) -> Result<EventRule, String> {
    let rule = policy.events.as_ref();
    let rule = rule.ok_or("a server stream of messages needs `events` in its policy")?;
    let output = route.method.output();
    Ok(EventRule {
        id: resolve(&output, &rule.id_field)?,
        event: resolve(&output, &rule.event_field)?,
        resume: resolve(&route.method.input(), &rule.resume_field)?.pop(),
    })
}

fn upload(route: &Route, policy: &Policy) -> Result<UploadRule, String> {
    let rule = policy
        .upload
        .as_ref()
        .ok_or("a client stream needs `upload` in its policy")?;
    let is_bytes = match &route.body {
        Body::Field(field) => is_http_body(&field.kind()),
        Body::All => is_http_body(&Kind::Message(route.method.input())),
        Body::None => false,
    };
    if !is_bytes {
        return Err("the body of an upload must be a google.api.HttpBody".to_owned());
    }
    Ok(UploadRule {
        part: rule.part.clone(),
        name: resolve(&route.method.input(), &rule.name_field)?.pop(),
    })
}

fn is_http_body(kind: &Kind) -> bool {
    kind.as_message()
        .is_some_and(|message| message.full_name() == "google.api.HttpBody")
}

/// The fields of a dotted path; none for an empty one.
fn resolve(root: &MessageDescriptor, path: &str) -> Result<Vec<FieldDescriptor>, String> {
    let mut fields = Vec::new();
    let mut at = Some(root.clone());
    for name in path.split('.').filter(|name| !name.is_empty()) {
        let message = at.ok_or(format!("{path}: nothing is inside a scalar"))?;
        let field = message.get_field_by_name(name);
        let field = field.ok_or(format!("{path}: {} has no {name}", message.full_name()))?;
        at = field.kind().as_message().cloned();
        fields.push(field);
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_or_refused() {
        let name = "bottega.generation.v1.WatchGenerationResponse";
        let message = contracts::pool().get_message_by_name(name).unwrap();
        assert_eq!(resolve(&message, "event.sequence").unwrap().len(), 2);
        assert!(
            resolve(&message, "event.sequence.deeper")
                .unwrap_err()
                .contains("scalar")
        );
        assert!(
            resolve(&message, "event.colour")
                .unwrap_err()
                .contains("has no colour")
        );
        assert!(resolve(&message, "").unwrap().is_empty());
    }
}
