//! Server reflection: lists the services of this server and describes their contracts. Both
//! versions, for clients of either are in use.

use tonic::service::Routes;
use tonic_reflection::server::{Builder, Error};

const HEALTH: &str = "grpc.health.v1.Health";

pub(super) fn add(routes: Routes, services: &[&str]) -> Result<Routes, Error> {
    let v1 = builder(services).build_v1()?;
    let v1alpha = builder(services).build_v1alpha()?;
    Ok(routes.add_service(v1).add_service(v1alpha))
}

fn builder<'a>(services: &[&str]) -> Builder<'a> {
    let builder = Builder::configure()
        .register_encoded_file_descriptor_set(contracts::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name(HEALTH);
    services
        .iter()
        .fold(builder, |builder, name| builder.with_service_name(*name))
}
