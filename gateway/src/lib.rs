//! The HTTP face of the suite: an engine over descriptors. What an rpc is called, takes, answers
//! and needs is in `proto/`; there is no code here for any one rpc.
//!
//! The way of a request, outermost first:
//!
//! - [`app`] wires and serves; [`config`] is what it is told; `gateway` is what all requests share
//! - `layers` stand around every request: its id, the log, safe headers, CORS, panics, limits
//! - `fixed` answers the few pages that are no rpcs: health, readiness, the OpenAPI document
//! - `pipeline` is the rest of the way, step by step: route, authenticate, rate, decode, reserve
//! - `wire` reads and writes what else is spoken here: Connect, gRPC-Web and gRPC
//! - [`rate`] keeps the limits of requests over time, here or for all processes in Redis
//! - `endpoint` knows of each rpc what its descriptor and policy say
//! - `upstream` calls the services; `upload` streams bodies to them
//! - `keys` exchanges API keys for access tokens
//! - `cache` keeps answers that may be given again
//! - `openai` is what programs made for OpenAI's image API speak
//! - `reply` makes responses of their replies: JSON, bytes, streams of messages
//! - `failure` is the one error body; `body` the one reader of request bodies, `budget` the room for them

pub mod app;
mod body;
mod budget;
mod cache;
pub mod config;
mod endpoint;
mod failure;
mod fixed;
mod gateway;
mod keys;
mod layers;
mod openai;
mod pipeline;
pub mod rate;
mod reply;
mod upload;
mod upstream;
mod wire;

pub use app::{App, StartError, openapi};
pub use config::Config;
