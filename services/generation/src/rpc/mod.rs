//! The front room: wire to domain and back, nothing else.

mod admin;
mod batch_service;
mod convert;
mod convert_quote;
mod convert_route;
mod convert_webhook;
mod error;
mod generation_service;
mod moderation_service;
mod provider_report;
mod repeat;
mod watch;
mod webhook_service;

pub use admin::GenerationAdminRpc;
pub use batch_service::BatchRpc;
pub use generation_service::GenerationRpc;
pub use moderation_service::ModerationRpc;
pub use webhook_service::WebhookRpc;
