//! The providers, each behind `domain::provider::ImageProvider`: one file holds all that is known
//! of one provider, the rest is shared.

mod config;
mod flux;
mod gemini;
mod http;
mod inputs;
mod limits;
mod lockout;
mod moderation;
mod money;
mod openai;
mod ratio;
mod registry;
mod sdxl;
mod sketch;
mod stability;

pub use config::{Account, Config};
pub use moderation::{Moderation, ModerationConfig};
pub use registry::{BuildError, Known, Registry, build};
pub use sketch::Sketch;
