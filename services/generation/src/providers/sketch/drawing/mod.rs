//! The drawing itself: from a prompt, a seed and a size to pixels, by rule and always the same.

mod abstracts;
mod beasts;
mod canvas;
mod clouds;
mod color;
mod finish;
mod flowers;
mod fruit;
mod hoofed;
mod land;
mod landmarks;
mod landscape;
mod math;
mod noise;
mod palette;
mod path;
mod portrait;
mod random;
mod restyle;
mod scene;
mod sky;
mod space;
mod stage;
mod tabletop;
mod things;
mod town;
mod trees;
mod vessels;
mod vocabulary;
mod water;
mod weather;
mod words;

use canvas::Canvas;
use palette::Palette;
pub use restyle::Given;
use scene::{Kind, Scene};

/// What to draw.
#[derive(Debug, Clone)]
pub struct Brief {
    /// What to show.
    pub prompt: String,
    /// What not to show.
    pub negative_prompt: String,
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// What makes one drawing of a prompt differ from another.
    pub seed: u32,
    /// A picture to redraw.
    pub given: Option<Given>,
}

/// Draws: 8-bit RGB, row by row.
#[must_use]
pub fn draw(brief: &Brief) -> Vec<u8> {
    let scene = Scene::new(&brief.prompt, &brief.negative_prompt, brief.seed);
    let palette = Palette::new(&scene);
    let mut canvas = Canvas::new(brief.width, brief.height);
    match (&brief.given, scene.kind) {
        (Some(given), _) => restyle::paint(&mut canvas, given, &scene, &palette),
        (None, Kind::Landscape) => landscape::paint(&mut canvas, &scene, &palette),
        (None, Kind::Space) => space::paint(&mut canvas, &scene),
        (None, Kind::StillLife) => tabletop::paint(&mut canvas, &scene, &palette),
        (None, Kind::Portrait) => portrait::paint(&mut canvas, &scene, &palette),
        (None, Kind::Abstract) => abstracts::paint(&mut canvas, &scene),
    }
    finish::grade(&mut canvas, &scene);
    let grain = scene.random.part("paper").field();
    finish::paper(&mut canvas, grain);
    finish::mark(&mut canvas);
    bytes(&canvas, grain)
}

fn bytes(canvas: &Canvas, seed: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(canvas.pixels.len() * 3);
    for (index, color) in canvas.pixels.iter().enumerate() {
        let (x, y) = (index % canvas.width.max(1), index / canvas.width.max(1));
        let dither = random::lattice(x as i32, y as i32, seed ^ 0x51) - 0.5;
        bytes.extend(color.to_bytes(dither));
    }
    bytes
}
