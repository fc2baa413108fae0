//! The providers as the engine meets them: over real HTTP against servers that answer as the
//! documentation says, and as it does not say.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must stop at once, and its helpers are for these tests only"
)]

mod a1111;
mod fal;
mod fal_stops;
mod faults;
mod flux;
mod gemini;
mod openai;
mod order;
mod registry;
mod replicate;
mod sdxl;
mod sketch;
mod stability;
mod stub;
