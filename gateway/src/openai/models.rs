//! The models there are, and which one a name means.

use axum::response::{IntoResponse, Response};
use contracts::generation::v1::{
    ListProvidersRequest, ListProvidersResponse, Provider, provider::State,
};
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::rpcs::{PROVIDERS, steady};
use crate::failure::Failure;
use crate::pipeline::inner::Inner;

/// Lists the models that can be named: `auto` for any, and each as `provider/model`.
///
/// # Errors
/// Whatever the list is refused for.
pub(super) async fn list(inner: &Inner) -> Result<Response, Refusal> {
    let providers = providers(inner).await?;
    let mut models = vec![model("auto", "bottega")];
    for provider in &providers {
        for one in &provider.models {
            let id = format!("{}/{}", provider.name, one.name);
            models.push(model(&id, &provider.name));
        }
    }
    let body = json!({"object": "list", "data": models});
    Ok(([(CONTENT_TYPE, "application/json")], body.to_string()).into_response())
}

fn model(id: &str, owner: &str) -> Value {
    json!({"id": id, "object": "model", "created": 0, "owned_by": owner})
}

/// The provider and the model that a name means: `provider/model`, a model of some provider, or a
/// provider, whose own choice it is then.
///
/// # Errors
/// `model_not_found`.
pub(super) async fn resolve(
    inner: &Inner,
    name: Option<&str>,
) -> Result<(String, String), Refusal> {
    let Some(name) = name else {
        return Ok((String::new(), String::new()));
    };
    let providers = providers(inner).await?;
    meant(&providers, name).ok_or_else(|| Refusal::unknown_model(name))
}

fn meant(providers: &[Provider], name: &str) -> Option<(String, String)> {
    let has = |provider: &Provider, name: &str| provider.models.iter().any(|one| one.name == name);
    // Names of models may have slashes of their own.
    let both = providers.iter().find_map(|provider| {
        let rest = name.strip_prefix(&provider.name)?.strip_prefix('/')?;
        has(provider, rest).then(|| (provider.name.clone(), rest.to_owned()))
    });
    let model = || {
        let known = providers.iter().any(|provider| has(provider, name));
        known.then(|| (String::new(), name.to_owned()))
    };
    let provider = || {
        let known = providers.iter().any(|provider| provider.name == name);
        known.then(|| (name.to_owned(), String::new()))
    };
    both.or_else(model).or_else(provider)
}

async fn providers(inner: &Inner) -> Result<Vec<Provider>, Failure> {
    let request = ListProvidersRequest::default();
    let asked = || inner.unary::<ListProvidersResponse>(PROVIDERS, &request, None);
    let (reply, _) = steady(asked).await?;
    let configured = reply.providers.into_iter();
    Ok(configured
        .filter(|one| one.state() != State::Unconfigured)
        .collect())
}

#[cfg(test)]
mod tests {
    use contracts::generation::v1::Model;

    use super::*;

    #[test]
    fn names_mean_both_or_one() {
        let provider = |name: &str, models: &[&str]| Provider {
            name: name.to_owned(),
            models: (models.iter())
                .map(|name| Model {
                    name: (*name).to_owned(),
                    ..Model::default()
                })
                .collect(),
            ..Provider::default()
        };
        let all = [
            provider("fal", &["fal-ai/flux/dev"]),
            provider("openai", &["gpt-image-1"]),
        ];
        let found = |name| meant(&all, name).map(|(one, other)| format!("{one}|{other}"));
        for (name, wanted) in [
            ("openai/gpt-image-1", Some("openai|gpt-image-1")),
            ("gpt-image-1", Some("|gpt-image-1")),
            ("fal/fal-ai/flux/dev", Some("fal|fal-ai/flux/dev")),
            ("fal-ai/flux/dev", Some("|fal-ai/flux/dev")),
            ("fal", Some("fal|")),
            ("dall-e-3", None),
            ("openai/dall-e-3", None),
            ("openai/", None),
        ] {
            assert_eq!(found(name).as_deref(), wanted, "{name}");
        }
    }
}
