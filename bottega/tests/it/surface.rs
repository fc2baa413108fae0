//! Walks every rpc of every contract: none answers without a token unless its policy says PUBLIC,
//! and reflection tells of each.

use std::collections::BTreeSet;

use bytes::Bytes;
use contracts::policy::v1::policy::Access;
use prost_reflect::MethodDescriptor;
use tonic::{Code, Request};
use tonic_reflection::pb::{v1, v1alpha};

use crate::app::raw::Raw;
use crate::app::{App, Reply};

/// Every rpc of Bottega's own contracts, with the service that serves it.
fn rpcs() -> Vec<(String, MethodDescriptor)> {
    let services = contracts::pool()
        .services()
        .filter(|one| one.package_name().starts_with("bottega."));
    let rpcs: Vec<_> = services
        .flat_map(|service| {
            let name = service.package_name().split('.').nth(1).unwrap().to_owned();
            service
                .methods()
                .map(move |method| (name.clone(), method))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(rpcs.len() > 15, "the contracts are here");
    rpcs
}

#[test]
fn every_rpc_says_what_it_needs() {
    for (_, rpc) in rpcs() {
        let policy = contracts::policy_of(&rpc);
        let policy = policy.unwrap_or_else(|| panic!("{} has no policy", rpc.full_name()));
        assert_ne!(policy.access(), Access::Unspecified, "{}", rpc.full_name());
    }
}

#[tokio::test]
async fn no_rpc_answers_without_a_token_unless_it_is_public() {
    let app = App::start().await;
    for (service, rpc) in rpcs() {
        let path = format!("/{}/{}", rpc.parent_service().full_name(), rpc.name());
        let mut client = tonic::client::Grpc::new(app.channel(&service).await);
        client.ready().await.unwrap();
        let messages = tokio_stream::iter([Bytes::new()]);
        let answer = client
            .streaming(Request::new(messages), path.parse().unwrap(), Raw)
            .await;
        let code = match answer {
            Ok(mut stream) => stream
                .get_mut()
                .message()
                .await
                .err()
                .map(|status| status.code()),
            Err(status) => Some(status.code()),
        };
        let public = contracts::policy_of(&rpc).unwrap().access() == Access::Public;
        if public {
            assert_ne!(code, Some(Code::PermissionDenied), "{path}");
        } else {
            assert_eq!(code, Some(Code::Unauthenticated), "{path}");
        }
    }
}

#[tokio::test]
async fn no_route_answers_without_a_token_unless_it_is_public() {
    let app = App::start().await;
    let document = app.get("/openapi.json").await.expect(200).json();
    let mut checked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if operation["security"].as_array().is_none_or(Vec::is_empty) {
                continue;
            }
            let path = path.replace("{id}", "0199a8c0-0000-7000-8000-000000000000");
            let method = method.to_uppercase().parse().unwrap();
            let reply = Reply::of(app.http.request(method, format!("{}{path}", app.url))).await;
            reply.expect_error(401, "UNAUTHENTICATED");
            checked += 1;
        }
    }
    let rpcs = rpcs();
    let guarded = rpcs.iter().filter(|(_, rpc)| {
        let access = contracts::policy_of(rpc).unwrap().access();
        access == Access::User || access == Access::Admin
    });
    assert_eq!(checked, guarded.count(), "every guarded rpc has its route");
}

#[tokio::test]
async fn reflection_tells_of_every_rpc_in_both_versions() {
    let app = App::start().await;
    let wanted: BTreeSet<String> = rpcs()
        .iter()
        .map(|(_, rpc)| rpc.parent_service().full_name().to_owned())
        .collect();
    for name in wanted {
        let service = name.split('.').nth(1).unwrap().to_owned();
        let channel = app.channel(&service).await;
        let ask = v1::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(
                v1::server_reflection_request::MessageRequest::FileContainingSymbol(name.clone()),
            ),
        };
        let mut client = v1::server_reflection_client::ServerReflectionClient::new(channel.clone());
        let mut answers = client
            .server_reflection_info(tokio_stream::iter([ask]))
            .await
            .unwrap()
            .into_inner();
        let answer = format!(
            "{:?}",
            answers.message().await.unwrap().unwrap().message_response
        );
        assert!(
            answer.contains("FileDescriptorResponse"),
            "{name}: {answer}"
        );

        let ask = v1alpha::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(
                v1alpha::server_reflection_request::MessageRequest::ListServices(String::new()),
            ),
        };
        let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
        let mut answers = client
            .server_reflection_info(tokio_stream::iter([ask]))
            .await
            .unwrap()
            .into_inner();
        let answer = format!(
            "{:?}",
            answers.message().await.unwrap().unwrap().message_response
        );
        assert!(answer.contains(&name), "{name}: {answer}");
    }
}
