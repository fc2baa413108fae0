//! Server reflection: lists the services of this server and describes their contracts. Both
//! versions, for clients of either are in use.

use axum::Router;
use tonic::service::Routes;
use tonic_reflection::server::{Builder, Error};

use super::ServeError;

const HEALTH: &str = "grpc.health.v1.Health";

/// Reflection alone, for a server that passes calls of these services on.
///
/// # Errors
/// The descriptors cannot be served.
pub fn reflection(services: &[String]) -> Result<Router, ServeError> {
    let services = services.iter().map(String::as_str);
    let routes = describe(Routes::default(), services).map_err(ServeError::Reflection)?;
    Ok(routes.prepare().into_axum_router())
}

pub(super) fn add(routes: Routes, services: &[&str]) -> Result<Routes, Error> {
    describe(routes, services.iter().copied().chain([HEALTH]))
}

fn describe<'a>(
    routes: Routes,
    services: impl Iterator<Item = &'a str> + Clone,
) -> Result<Routes, Error> {
    let v1 = builder(services.clone()).build_v1()?;
    let v1alpha = builder(services).build_v1alpha()?;
    Ok(routes.add_service(v1).add_service(v1alpha))
}

fn builder<'a>(services: impl Iterator<Item = &'a str>) -> Builder<'a> {
    let builder = Builder::configure()
        .register_encoded_file_descriptor_set(contracts::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
    services.fold(builder, |builder, name| builder.with_service_name(name))
}
