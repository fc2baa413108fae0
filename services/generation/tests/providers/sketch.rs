//! The drawing: always the same, always different, and honest about what it is.

use bytes::Bytes;
use generation::domain::provider::{Fit, ImageOrder, ImageProvider};
use generation::providers::Sketch;

use crate::order::{made, misfits, order, order_with, picture, spec};

async fn draw(change: impl FnOnce(&mut ImageOrder)) -> Bytes {
    let sketch = Sketch::new();
    let mut order = order(&sketch);
    (
        order.spec.width,
        order.spec.height,
        order.spec.negative_prompt,
    ) = (192, 128, String::new());
    change(&mut order);
    let image = made(&sketch, &order).await.unwrap();
    assert_eq!(image.spent.cost, None);
    image.bytes
}

fn pixels(png: &[u8]) -> image::RgbImage {
    image::load_from_memory(png).unwrap().into_rgb8()
}

#[tokio::test]
async fn the_same_order_gives_the_same_bytes() {
    let first = draw(|_| {}).await;
    assert_eq!(first, draw(|_| {}).await);
    assert_ne!(first, draw(|order| order.spec.seed = 1).await);
    assert_ne!(
        first,
        draw(|order| order.spec.prompt = "a cat in the snow".to_owned()).await
    );
    assert_ne!(
        first,
        draw(|order| order.spec.negative_prompt = "snow".to_owned()).await
    );
}

// When this changes, the same order gives another picture than before: then the model's name must
// change too (`sketch-1`), since people were promised that it does not.
#[tokio::test]
async fn the_drawing_of_this_model_is_pinned() {
    let prompts = [
        "a fox in a snowy forest at dusk",
        "harbour town at night in the rain",
        "abstract red and gold",
        "a bowl of lemons",
        "a planet",
        "portrait",
    ];
    let mut all = Vec::new();
    for prompt in prompts {
        let png = draw(|order| order.spec.prompt = prompt.to_owned()).await;
        all.extend(pixels(&png).into_raw());
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, &all);
    let hex: String = digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        hex,
        "ad159308298c8b4bb9ced490a143019700801441562a5c55b36775a43880f39e"
    );
}

#[tokio::test]
async fn it_says_that_it_is_no_model() {
    let png = draw(|_| {}).await;
    let reader = png::Decoder::new(std::io::Cursor::new(&png[..]))
        .read_info()
        .unwrap();
    let texts = &reader.info().uncompressed_latin1_text;
    let said: Vec<(&str, &str)> = texts
        .iter()
        .map(|text| (text.keyword.as_str(), text.text.as_str()))
        .collect();
    assert_eq!(
        said,
        [("Software", "Bottega sketch (drawn by rule, not by a model)")]
    );
    let sketch = Sketch::new();
    assert!(sketch.is_procedural() && sketch.is_repeatable());
}

#[tokio::test]
async fn any_prompt_gives_a_picture_of_the_size() {
    let long = "sea of stars ".repeat(769);
    let prompts = [
        "",
        " ",
        "\u{0}",
        "Лиса в лесу",
        "狐狸",
        "🦊🦊",
        "%s %n {}",
        long.as_str(),
        "fox wolf dog cat bear rabbit owl deer horse whale bird butterfly person umbrella",
        "castle lighthouse boat balloon bridge house tree harbour city town desert",
        "rain snow fog storm night aurora rainbow moon stars",
        "vase cup candle bowl cherry pear apple orange",
        "rocket planet space",
        "abstract geometric",
        "abstract waves",
        "abstract marble monochrome vivid soft dark",
    ];
    for (index, prompt) in prompts.iter().enumerate() {
        let (width, height) = [(64, 64), (64, 512), (512, 64), (136, 88)][index % 4];
        let png = draw(|order| {
            (order.spec.width, order.spec.height) = (width, height);
            order.spec.prompt = (*prompt).to_owned();
        })
        .await;
        let drawn = pixels(&png);
        assert_eq!(drawn.dimensions(), (width, height), "{prompt}");
        let mut tones: Vec<[u8; 3]> = drawn.pixels().map(|pixel| pixel.0).collect();
        tones.sort_unstable();
        tones.dedup();
        assert!(tones.len() > 60, "{prompt} gives {} tones", tones.len());
    }
}

#[tokio::test]
async fn an_input_is_redrawn() {
    let sketch = Sketch::new();
    let mut order = order_with(&sketch, vec![picture(120, 90)]);
    (order.spec.width, order.spec.height) = (256, 256);
    order.spec.prompt = "green and black".to_owned();
    let redrawn = pixels(&made(&sketch, &order).await.unwrap().bytes);
    assert_eq!(redrawn.dimensions(), (256, 256));
    // The dark half stays darker than the light one, in other colours.
    let mean = |from: u32, to: u32| {
        let rows = (from..to).flat_map(|y| (32..224).map(move |x| (x, y)));
        let sum: u64 = rows
            .map(|(x, y)| {
                redrawn
                    .get_pixel(x, y)
                    .0
                    .iter()
                    .map(|part| u64::from(*part))
                    .sum::<u64>()
            })
            .sum();
        sum / u64::from((to - from) * 192)
    };
    assert!(
        mean(20, 110) + 60 < mean(150, 236),
        "{} {}",
        mean(20, 110),
        mean(150, 236)
    );
    order.inputs[0].bytes = Bytes::from_static(b"no picture");
    assert!(made(&sketch, &order).await.is_err());
}

#[tokio::test]
async fn sizes_it_does_not_take_are_named() {
    let sketch = Sketch::new();
    for (width, height, fields) in [
        (64, 2048, vec![]),
        (0, 64, vec!["image.width"]),
        (1001, 12_345, vec!["image.width", "image.height"]),
        (u32::MAX, 2056, vec!["image.width", "image.height"]),
    ] {
        let mut asked = spec();
        (asked.width, asked.height) = (width, height);
        let found = misfits(&sketch, &asked);
        let named: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(named, fields, "{width}x{height}");
        assert!(
            found
                .iter()
                .all(|(_, text)| text.contains("64 to 2048 pixels in steps of 8"))
        );
        let mut order = order(&sketch);
        order.spec = asked.clone();
        if matches!(sketch.fit(&sketch.models()[0], &asked), Fit::No(_)) {
            assert!(
                sketch.submit(&order).await.is_err(),
                "{width}x{height} is not drawn"
            );
        }
    }
}
