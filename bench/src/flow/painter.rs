//! A provider that answers at once, or as late as it is told, with a picture of 64 KB.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use image::{DynamicImage, ImageFormat, RgbImage};

/// The side of its pictures; of noise, so that they take 64 KB.
pub const SIDE: u32 = 148;

/// A running provider.
pub struct Painter {
    /// Where it listens.
    pub addr: SocketAddr,
    scene: Scene,
}

#[derive(Clone)]
struct Scene {
    answer: Bytes,
    takes: Arc<AtomicU64>,
}

impl Painter {
    /// Opens it on a free port.
    ///
    /// # Errors
    /// No port is free.
    pub async fn open() -> anyhow::Result<Self> {
        let picture = STANDARD.encode(noise()?);
        let answer = format!(r#"{{"created":1,"data":[{{"b64_json":"{picture}"}}]}}"#);
        let scene = Scene {
            answer: answer.into(),
            takes: Arc::default(),
        };
        let router = Router::new()
            .route("/v1/images/generations", post(paint))
            .with_state(scene.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        #[expect(clippy::disallowed_methods, reason = "it is no server of ours")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { addr, scene })
    }

    /// Each picture takes so long from now on.
    pub fn take(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.scene.takes.store(micros, Ordering::Relaxed);
    }
}

async fn paint(State(scene): State<Scene>, _order: Bytes) -> impl IntoResponse {
    let takes = scene.takes.load(Ordering::Relaxed);
    if takes > 0 {
        tokio::time::sleep(Duration::from_micros(takes)).await;
    }
    ([(CONTENT_TYPE, "application/json")], scene.answer)
}

fn noise() -> anyhow::Result<Vec<u8>> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let picture = RgbImage::from_fn(SIDE, SIDE, |_, _| image::Rgb([next(), next(), next()]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture).write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}
