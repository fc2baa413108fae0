//! Orders and configured providers, as short as tests want them.

use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use config::{MapSource, Reader};
use generation::domain::provider::{
    Finish, Fit, ImageOrder, ImageProvider, ImageSpec, InputImage, ProviderError, RawImage,
    Submitted,
};
use generation::providers::{Config, Registry, build};

/// The key every test uses: it must never be seen where it does not belong.
pub const KEY: &str = "sk-very-secret-key";

/// Settings read and providers made ready, as at start.
pub fn registry(pairs: &[(&str, &str)]) -> Registry {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let owned = pairs
        .iter()
        .map(|(name, text)| (format!("BOTTEGA_PROVIDER_{name}"), (*text).to_owned()));
    let source = MapSource(owned.collect());
    let mut reader = Reader::new(&source);
    let config = Config::read(&mut reader);
    reader.finish().unwrap();
    build(&config).unwrap()
}

/// One provider at a base URL, with a short deadline.
pub fn provider(name: &str, url: &str, more: &[(&str, &str)]) -> Arc<dyn ImageProvider> {
    let upper = name.to_uppercase();
    let (key, base, timeout) = (
        format!("{upper}_KEY"),
        format!("{upper}_BASE_URL"),
        format!("{upper}_TIMEOUT"),
    );
    let mut pairs = vec![
        (key.as_str(), KEY),
        (base.as_str(), url),
        (timeout.as_str(), "5s"),
    ];
    pairs.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    pairs.extend(more);
    registry(&pairs)
        .get(name)
        .unwrap()
        .provider
        .clone()
        .unwrap()
}

pub fn spec() -> ImageSpec {
    ImageSpec {
        prompt: "a fox in the snow".to_owned(),
        negative_prompt: "dogs".to_owned(),
        width: 1024,
        height: 1024,
        seed: 4_000_000_000,
        input_count: 0,
        finish: Finish::default(),
        has_mask: false,
    }
}

/// An order for a provider's own choice of model.
pub fn order(provider: &dyn ImageProvider) -> ImageOrder {
    ImageOrder {
        client_ref: "0197".to_owned(),
        spec: spec(),
        model: provider.models()[0].name.clone(),
        inputs: Vec::new(),
        mask: None,
    }
}

/// The same with input pictures.
pub fn order_with(provider: &dyn ImageProvider, inputs: Vec<InputImage>) -> ImageOrder {
    let mut order = order(provider);
    order.spec.input_count = inputs.len();
    order.inputs = inputs;
    order
}

/// A picture of two halves, blue over sand, as PNG.
pub fn picture(width: u32, height: u32) -> InputImage {
    let halves = image::RgbImage::from_fn(width, height, |_, y| {
        if y < height / 2 {
            image::Rgb([40, 90, 200])
        } else {
            image::Rgb([220, 190, 120])
        }
    });
    let mut png = Cursor::new(Vec::new());
    halves.write_to(&mut png, image::ImageFormat::Png).unwrap();
    InputImage {
        content_type: "image/png".to_owned(),
        bytes: Bytes::from(png.into_inner()),
        width,
        height,
    }
}

pub async fn made(
    provider: &dyn ImageProvider,
    order: &ImageOrder,
) -> Result<RawImage, ProviderError> {
    match provider.submit(order).await? {
        Submitted::Done(image) => Ok(image),
        Submitted::Accepted(job) => panic!("a job in place of a picture: {job:?}"),
    }
}

/// The fields an order does not fit in, with the reasons.
pub fn misfits(provider: &dyn ImageProvider, spec: &ImageSpec) -> Vec<(String, String)> {
    match provider.fit(&provider.models()[0], spec) {
        Fit::Yes { .. } => Vec::new(),
        Fit::No(found) => found
            .into_iter()
            .map(|one| (one.field, one.description))
            .collect(),
    }
}

/// The parts of an order that have no effect.
pub fn ignored(provider: &dyn ImageProvider, spec: &ImageSpec) -> Vec<String> {
    match provider.fit(&provider.models()[0], spec) {
        Fit::Yes { ignored } => ignored,
        Fit::No(found) => panic!("does not fit: {found:?}"),
    }
}
