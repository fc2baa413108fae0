//! The last hand: the mood over all, a darker rim, the grain of paper, and the mark in the corner.

use super::canvas::Canvas;
use super::color::{Color, WHITE, hex};
use super::math::smoothstep;
use super::noise::noise2;
use super::path::Path;
use super::random::lattice;
use super::scene::Scene;
use super::words::Thing;

/// Grades the whole picture by the moods the prompt names.
pub fn grade(canvas: &mut Canvas, scene: &Scene) {
    let moods: Vec<Thing> = (scene.reading.things.iter().copied())
        .filter(|thing| *thing >= Thing::Calm)
        .collect();
    if moods.is_empty() {
        return;
    }
    canvas.each(|_, _, color| moods.iter().fold(color, |color, mood| toned(color, *mood)));
}

fn toned(color: Color, mood: Thing) -> Color {
    let contrast = |color: Color, by: f32| hex(0x80_8080).mix(color, by);
    match mood {
        Thing::Calm => contrast(color, 0.94).saturate(0.94),
        Thing::Dark => contrast(color.scale(0.74), 1.08).saturate(0.85),
        Thing::Vivid => contrast(color.saturate(1.4), 1.08),
        Thing::Soft => color.saturate(0.88).mix(WHITE, 0.14),
        Thing::Warm => color.tint(hex(0xe8_a060), 0.16),
        Thing::Cold => color.tint(hex(0x6a_9ad0), 0.2),
        Thing::Vintage => contrast(color.saturate(0.62).tint(hex(0xc8_a878), 0.3), 0.9),
        Thing::Monochrome => contrast(color.saturate(0.0), 1.1),
        _ => color,
    }
}

/// Darkens the rim a little and lays the grain of paper over all.
pub fn paper(canvas: &mut Canvas, seed: u32) {
    let (width, height) = canvas.size();
    let unit = canvas.unit();
    let coarse = 260.0 / unit.max(260.0);
    canvas.each(|x, y, color| {
        let (u, v) = (x / width - 0.5, y / height - 0.5);
        let rim = smoothstep(0.28, 0.62, u * u * 1.2 + v * v * 1.2 + 0.08);
        let fibre = noise2(x * coarse, y * coarse * 0.7, seed) - 0.5;
        let speck = lattice(x as i32, y as i32, seed ^ 0x9e) - 0.5;
        color.scale(1.0 - 0.3 * rim + fibre * 0.022 + speck * 0.02)
    });
}

/// Puts a small mark in the lower right corner: three strokes of a brush.
pub fn mark(canvas: &mut Canvas) {
    let (width, height) = canvas.size();
    let size = (canvas.unit() * 0.026).max(7.0);
    let (x, y) = (width - size * 1.75, height - size * 1.65);
    let under = canvas.at((x + size * 0.5) as i32, (y + size * 0.5) as i32);
    let tone = if under.luma() > 0.5 {
        hex(0x20_1c1a)
    } else {
        hex(0xf4_efe4)
    };
    for (from, to, thick) in [
        ((0.0, 1.0), (0.0, 0.0), 0.12),
        ((0.34, 1.0), (0.34, 0.34), 0.12),
        ((0.68, 1.0), (0.68, 0.0), 0.12),
    ] {
        let place = |(px, py): (f32, f32)| (x + px * size, y + py * size);
        let path = Path::line(place(from), place(to), size * thick, size * thick);
        canvas.glaze(&path, tone, 0.42);
    }
}
