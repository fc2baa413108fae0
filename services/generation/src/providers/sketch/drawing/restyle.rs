//! Redraws a picture that was given: its forms in flat tones and strokes, in the prompt's colours.

use super::canvas::Canvas;
use super::color::{BLACK, Color, gradient, hex};
use super::math::{length, lerp, smoothstep};
use super::noise::noise2;
use super::palette::Palette;
use super::path::Path;
use super::random::Random;
use super::scene::Scene;
use super::words::Thing;

/// A picture that was given: 8-bit RGB, row by row.
#[derive(Debug, Clone)]
pub struct Given {
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// Three bytes for each pixel.
    pub rgb: Vec<u8>,
}

/// Paints the given picture anew.
pub fn paint(canvas: &mut Canvas, given: &Given, scene: &Scene, palette: &Palette) {
    let source = fitted(given, canvas.width, canvas.height);
    let smooth = blurred(&source, (canvas.unit() / 260.0).max(1.0) as usize);
    let tones = tones(scene, palette);
    let mut random = scene.random.part("restyle");
    flat(canvas, &smooth, &tones, random.field());
    strokes(canvas, &smooth, &tones, &mut random);
    outlines(canvas, &smooth, tones[0]);
    if scene.has_any(&[Thing::Vintage, Thing::Monochrome]) || random.chance(0.25) {
        halftone(canvas, &source, tones[0]);
    }
}

// From the darkest to the lightest tone of the prompt.
fn tones(scene: &Scene, palette: &Palette) -> Vec<Color> {
    let mut colors = scene.reading.colors.clone();
    if colors.is_empty() {
        colors = vec![
            palette.sky[0],
            palette.leaf,
            palette.sky[2],
            palette.accent(2),
        ];
    }
    colors.sort_by(|a, b| a.luma().total_cmp(&b.luma()));
    let dark = colors[0].scale(0.35).mix(palette.ink, 0.5);
    let light = colors[colors.len() - 1].mix(hex(0xfa_f4e6), 0.75);
    std::iter::once(dark)
        .chain(colors)
        .chain(std::iter::once(light))
        .collect()
}

// Fills the canvas: scaled by area, what stands over is cut off at both sides.
fn fitted(given: &Given, width: usize, height: usize) -> Canvas {
    let mut canvas = Canvas::new(width, height);
    if given.width == 0 || given.height == 0 || given.rgb.len() < given.width * given.height * 3 {
        return canvas;
    }
    let scale = (given.width as f32 / width as f32).min(given.height as f32 / height as f32);
    let left = (given.width as f32 - width as f32 * scale) * 0.5;
    let top = (given.height as f32 - height as f32 * scale) * 0.5;
    let taps = (scale.ceil() as usize).clamp(1, 4);
    let read = |x: f32, y: f32| {
        let x = (x.max(0.0) as usize).min(given.width - 1);
        let y = (y.max(0.0) as usize).min(given.height - 1);
        let index = (y * given.width + x) * 3;
        let part = |offset: usize| f32::from(given.rgb[index + offset]) / 255.0;
        Color {
            r: part(0),
            g: part(1),
            b: part(2),
        }
    };
    canvas.each(|x, y, _| {
        let mut sum = BLACK;
        for row in 0..taps {
            for column in 0..taps {
                let at = |v: f32, tap: usize| v - 0.5 + (tap as f32 + 0.5) / taps as f32;
                let color = read(left + at(x, column) * scale, top + at(y, row) * scale);
                sum = Color {
                    r: sum.r + color.r,
                    g: sum.g + color.g,
                    b: sum.b + color.b,
                };
            }
        }
        sum.scale(1.0 / (taps * taps) as f32)
    });
    canvas
}

fn blurred(source: &Canvas, radius: usize) -> Canvas {
    let pass = |from: &Canvas, dx: i32, dy: i32| {
        let mut to = from.clone();
        let reach = radius as i32;
        to.each(|x, y, _| {
            let (x, y) = (x as i32, y as i32);
            let mut sum = BLACK;
            for step in -reach..=reach {
                let color = from.at(x + dx * step, y + dy * step);
                sum = Color {
                    r: sum.r + color.r,
                    g: sum.g + color.g,
                    b: sum.b + color.b,
                };
            }
            sum.scale(1.0 / (2 * reach + 1) as f32)
        });
        to
    };
    pass(&pass(source, 1, 0), 0, 1)
}

fn restyled(color: Color, tones: &[Color], level: f32) -> Color {
    gradient(tones, level).mix(color.saturate(1.2), 0.34)
}

// Flat areas: brightness in steps, the borders between them uneven as cut by hand.
fn flat(canvas: &mut Canvas, smooth: &Canvas, tones: &[Color], seed: u32) {
    const STEPS: f32 = 7.0;
    let unit = canvas.unit();
    canvas.each(|x, y, _| {
        let color = smooth.at(x as i32, y as i32);
        let jitter = (noise2(x / unit * 46.0, y / unit * 46.0, seed) - 0.5) * 0.05;
        let level = (color.luma() + jitter).clamp(0.0, 1.0) * STEPS;
        let step = level.floor() + smoothstep(0.42, 0.58, level - level.floor());
        restyled(color, tones, step / STEPS)
    });
}

// Strokes lie along the forms: at right angles to the direction in which the light changes.
fn strokes(canvas: &mut Canvas, smooth: &Canvas, tones: &[Color], random: &mut Random) {
    let unit = canvas.unit();
    let (width, height) = canvas.size();
    let area = width * height / (unit * unit);
    for (count, size) in [(1500.0, 0.02), (3600.0, 0.01)] {
        for _ in 0..(count * area) as usize {
            let at = (random.range(0.0, width), random.range(0.0, height));
            let (x, y) = (at.0 as i32, at.1 as i32);
            let reach = (unit * 0.006).max(1.0) as i32;
            let gx = smooth.at(x + reach, y).luma() - smooth.at(x - reach, y).luma();
            let gy = smooth.at(x, y + reach).luma() - smooth.at(x, y - reach).luma();
            let steep = length(gx, gy);
            let (dx, dy) = if steep > 0.01 {
                (-gy / steep, gx / steep)
            } else {
                (0.94, 0.34)
            };
            let long =
                unit * size * random.range(0.7, 1.5) * lerp(1.2, 0.6, (steep * 4.0).min(1.0));
            let color = smooth.at(x, y);
            let tone = restyled(color, tones, color.luma() + random.range(-0.06, 0.06));
            let thick = unit * size * 0.3;
            let from = (at.0 - dx * long, at.1 - dy * long);
            let to = (at.0 + dx * long, at.1 + dy * long);
            canvas.glaze(&Path::line(from, to, thick, thick * 0.35), tone, 0.55);
        }
    }
}

fn outlines(canvas: &mut Canvas, smooth: &Canvas, ink: Color) {
    let reach = (canvas.unit() * 0.0025).max(1.0) as i32;
    canvas.each(|x, y, color| {
        let (x, y) = (x as i32, y as i32);
        let gx = smooth.at(x + reach, y).luma() - smooth.at(x - reach, y).luma();
        let gy = smooth.at(x, y + reach).luma() - smooth.at(x, y - reach).luma();
        color.mix(ink, smoothstep(0.09, 0.26, length(gx, gy)) * 0.72)
    });
}

fn halftone(canvas: &mut Canvas, source: &Canvas, ink: Color) {
    let cell = (canvas.unit() / 78.0).max(5.6);
    canvas.each(|x, y, color| {
        let (u, v) = ((x + y) / cell, (y - x) / cell);
        let (du, dv) = (u - u.floor() - 0.5, v - v.floor() - 0.5);
        let dark = 1.0 - source.at(x as i32, y as i32).luma();
        let radius = (dark - 0.45).max(0.0) * 0.8;
        let dot = smoothstep(radius + 0.06, radius - 0.06, length(du, dv));
        color.mix(ink, if radius > 0.0 { dot * 0.5 } else { 0.0 })
    });
}
