//! The providers, each behind `domain::provider::ImageProvider`: one file holds all that is known
//! of one provider, the rest is shared.

mod a1111;
mod config;
mod fal;
mod flux;
mod gemini;
mod http;
mod inputs;
mod limits;
mod lockout;
mod moderation;
mod money;
mod openai;
mod places;
mod ratio;
mod registry;
mod replicate;
mod sdxl;
mod sketch;
mod stability;

pub use config::{Account, Config};
pub use moderation::{Moderation, ModerationConfig};
pub use registry::{BuildError, Known, Registry, build};
pub use sketch::Sketch;
