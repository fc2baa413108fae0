//! Turns HTTP requests into gRPC messages and back, from descriptors alone (`google.api.http`).
//!
//! The way of a request: [`Router::find`] picks the rpc by method and path, [`RouteMatch::bind`]
//! makes its request message of path, query and body, [`Route::decode_reply`] and [`Route::encode`]
//! make JSON of the reply. There is no networking here, and nothing here panics on a request.
//!
//! - `template` reads path templates; `route` reads the rules off the rpcs, builds the trie, finds
//! - `bind` fills the request message from path, query and body
//! - `json` is ProtoJSON, read and printed; `well_known` the texts of times, masks and bytes
//! - `openapi` describes every route as an OpenAPI 3.1 document

mod behavior;
mod bind;
mod decode;
mod error;
pub mod json;
pub mod media;
pub mod openapi;
mod options;
mod route;
mod template;
mod well_known;

pub use bind::{HttpBodySlot, query_pairs};
pub use error::{
    BuildError, BuildErrors, EncodeError, Invalid, InvalidKind, RouteError, Violation,
};
pub use options::{Options, Unescape};
pub use route::{Body, Route, RouteMatch, Router};
pub use template::{Segment, Template, TemplateError, Variable};
