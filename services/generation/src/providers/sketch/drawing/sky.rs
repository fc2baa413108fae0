//! The sky: its gradient, sun or moon with their glow, stars, northern lights, a rainbow.

use super::canvas::Canvas;
use super::color::{Color, WHITE, gradient, hex};
use super::math::{fade, length, smoothstep, wave};
use super::noise::{fbm1, fbm2, noise2};
use super::path::Path;
use super::scene::Time;
use super::stage::Stage;
use super::words::Thing;

/// Paints the whole sky.
pub fn paint(canvas: &mut Canvas, stage: &Stage) {
    wash(canvas, stage);
    if stage.scene.time == Time::Night && !stage.scene.has_any(&[Thing::Storm, Thing::Rain]) {
        stars(canvas, stage);
    }
    if stage.scene.has(Thing::Aurora) {
        aurora(canvas, stage);
    }
    let hidden = stage
        .scene
        .has_any(&[Thing::Storm, Thing::Rain, Thing::Fog]);
    if !hidden || stage.scene.has_any(&[Thing::Sun, Thing::Moon]) {
        light(canvas, stage);
    }
    if stage.scene.has(Thing::Rainbow) {
        rainbow(canvas, stage);
    }
}

fn wash(canvas: &mut Canvas, stage: &Stage) {
    let seed = stage.random("wash").field();
    let palette = stage.palette;
    let reach = stage.horizon * 1.04;
    let step = 3.5 / stage.unit;
    let spread = stage.width.max(stage.height) * 0.42;
    let glow = if stage.scene.time == Time::Night {
        0.1
    } else {
        0.34
    };
    let low = (reach as usize + 2).min(canvas.height);
    canvas.rows(0, low, |x, y, _| {
        let uneven = (noise2(x * step, y * step * 1.8, seed) - 0.5) * 0.05;
        let color = gradient(&palette.sky, y / reach + uneven);
        let distance = length((x - stage.light.0) * 0.8, y - stage.light.1) / spread;
        color.screen(palette.light, glow * fade(distance * 3.0))
    });
    let horizon = palette.sky[3];
    canvas.rows(low, usize::MAX, |_, _, _| horizon);
}

fn light(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("light");
    let palette = stage.palette;
    let night = stage.scene.time == Time::Night;
    let size = stage.unit * if night { 0.048 } else { 0.056 } * random.range(0.9, 1.25);
    let (x0, y0) = stage.light;
    canvas.around(stage.light, size * 9.0, |x, y, color| {
        let distance = (length(x - x0, y - y0) / size - 1.0).max(0.0);
        color.screen(
            palette.light,
            0.55 * fade(distance * 1.1) + 0.2 * fade(distance * 0.35),
        )
    });
    let seed = random.field();
    canvas.fill_with(&Path::ellipse(x0, y0, size, size), 1.0, |x, y, _| {
        if !night {
            return palette.light.mix(WHITE, 0.35);
        }
        let (u, v) = ((x - x0) / size, (y - y0) / size);
        let seas = smoothstep(0.5, 0.68, fbm2(u * 1.7 + 4.0, v * 1.7, 3, seed));
        palette.light.mix(hex(0xb9_bfc4), 0.45 * seas)
    });
}

fn stars(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("stars");
    let plenty = if stage.scene.has(Thing::Stars) {
        2.4
    } else {
        1.0
    };
    let count = (plenty * 260.0 * stage.width / stage.unit) as usize;
    for _ in 0..count {
        let at = (
            random.range(0.0, stage.width),
            random.range(0.0, stage.horizon),
        );
        let height = 1.0 - at.1 / stage.horizon;
        let size = stage.unit * (0.0006 + 0.0022 * random.unit() * random.unit());
        let brightness = random.range(0.25, 1.0) * (0.15 + 0.85 * height);
        star(canvas, at, size.max(0.5), brightness);
    }
}

/// A soft point of light.
pub fn star(canvas: &mut Canvas, at: (f32, f32), size: f32, brightness: f32) {
    canvas.around(at, size * 4.0, |x, y, color| {
        let distance = length(x - at.0, y - at.1) / size;
        color.screen(hex(0xfb_f6e6), brightness * fade(distance * distance * 0.7))
    });
}

fn aurora(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("aurora");
    let hues = [hex(0x4c_e8a0), hex(0x48_d0c8), hex(0x9a_70e0)];
    for (band, hue) in hues.into_iter().enumerate() {
        let seed = random.field();
        let base = stage.horizon * (0.62 - 0.13 * band as f32);
        let tall = stage.horizon * 0.5;
        let scale = 2.2 / stage.width;
        let columns: Vec<(f32, f32)> = (0..canvas.width)
            .map(|x| {
                let x = x as f32;
                let foot = base + (fbm1(x * scale, 3, seed) - 0.5) * stage.horizon * 0.5;
                let rays = fbm1(x * scale * 26.0, 2, seed ^ 5) * fbm1(x * scale * 2.0, 2, seed ^ 9);
                (foot, 1.7 * rays)
            })
            .collect();
        canvas.rows(0, stage.horizon as usize, |x, y, color| {
            let (foot, strength) = columns[(x as usize).min(columns.len() - 1)];
            let up = (foot - y) / tall;
            let shape = smoothstep(-0.05, 0.03, up) * fade(up.max(0.0) * 3.2);
            color.screen(hue, (strength * shape).clamp(0.0, 0.85))
        });
    }
}

fn rainbow(canvas: &mut Canvas, stage: &Stage) {
    let center = (stage.width - stage.light.0, stage.horizon * 1.05);
    let radius = stage.horizon * 0.8;
    let band = radius * 0.11;
    canvas.rows(0, stage.horizon as usize, |x, y, color| {
        let t = (length(x - center.0, y - center.1) - radius) / band;
        if !(0.0..1.0).contains(&t) {
            return color;
        }
        let hue = Color::hsl(0.78 * (1.0 - t), 0.75, 0.6);
        color.mix(hue, 0.42 * wave(t * 0.5))
    });
}
