//! Clouds: a field of noise lit from where the light stands.

use super::canvas::Canvas;
use super::color::Color;
use super::math::{fade, length, smoothstep};
use super::noise::fbm2;
use super::scene::Time;
use super::stage::Stage;
use super::words::Thing;

/// A field worked out on a coarse grid and read smoothly: clouds are soft, and noise is dear.
pub struct Field {
    columns: usize,
    step: f32,
    values: Vec<f32>,
}

impl Field {
    /// Works out `value` every `step` pixels over a width and height.
    pub fn new(width: f32, height: f32, step: f32, value: impl Fn(f32, f32) -> f32) -> Self {
        let columns = (width / step) as usize + 2;
        let rows = (height / step) as usize + 2;
        let values = (0..rows * columns)
            .map(|index| {
                let (column, row) = (index % columns, index / columns);
                value(column as f32 * step, row as f32 * step)
            })
            .collect();
        Self {
            columns,
            step,
            values,
        }
    }

    /// The value at a place.
    pub fn at(&self, x: f32, y: f32) -> f32 {
        let (u, v) = ((x / self.step).max(0.0), (y / self.step).max(0.0));
        let column = (u as usize).min(self.columns - 2);
        let last_row = self.values.len() / self.columns - 2;
        let row = (v as usize).min(last_row);
        let (tu, tv) = ((u - column as f32).min(1.0), (v - row as f32).min(1.0));
        let start = row * self.columns + column;
        let [a, b] = [self.values[start], self.values[start + 1]];
        let below = start + self.columns;
        let [c, d] = [self.values[below], self.values[below + 1]];
        let top = a + (b - a) * tu;
        let low = c + (d - c) * tu;
        top + (low - top) * tv
    }
}

/// Paints the clouds there are, if any.
pub fn paint(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("clouds");
    let scene = stage.scene;
    let cover = match () {
        () if scene.has_any(&[Thing::Storm, Thing::Rain]) => 0.8,
        () if scene.has(Thing::Clouds) => 0.62,
        () if scene.has(Thing::Snow) => 0.5,
        () if scene.has_any(&[Thing::Stars, Thing::Aurora]) => return,
        () => random.range(0.26, 0.46),
    };
    let seed = random.field();
    let scale = random.range(2.0, 3.2) / stage.unit;
    let flat = random.range(2.4, 3.6);
    let step = (stage.unit / 340.0).max(2.0);
    let shape = |x: f32, y: f32| {
        // Clouds lie flatter the closer they are to the horizon.
        let depth = 0.35 + 1.1 * (y / stage.horizon);
        fbm2(
            x * scale * depth.max(0.5),
            y * scale * flat * depth,
            5,
            seed,
        )
    };
    let field = Field::new(stage.width, stage.horizon, step, shape);
    let (bright, shade) = colors(stage);
    let threshold = 0.74 - 0.42 * cover;
    let lean = stage.unit * 0.022;
    canvas.rows(0, stage.horizon as usize + 1, |x, y, color| {
        let here = field.at(x, y);
        let amount = smoothstep(threshold, threshold + 0.2, here);
        if amount <= 0.0 {
            return color;
        }
        let (dx, dy) = (stage.light.0 - x, stage.light.1 - y);
        let distance = length(dx, dy).max(1.0);
        let toward = field.at(x + dx / distance * lean, y + dy / distance * lean);
        let lit = ((here - toward) * 5.0 + 0.5).clamp(0.0, 1.0);
        let near = fade(distance / stage.unit * 2.2);
        let tone = shade
            .mix(bright, lit)
            .screen(stage.palette.light, 0.4 * near * lit);
        let at_horizon = smoothstep(stage.horizon, stage.horizon * 0.7, y);
        color.mix(tone, amount * (0.35 + 0.5 * at_horizon))
    });
}

fn colors(stage: &Stage) -> (Color, Color) {
    let palette = stage.palette;
    let stormy = stage.scene.has_any(&[Thing::Storm, Thing::Rain]);
    let bright = match stage.scene.time {
        Time::Night => palette.sky[3].mix(palette.light, 0.12),
        Time::Day => palette.light.mix(palette.sky[3], 0.35),
        Time::Dawn | Time::Dusk => palette.sky[3].mix(palette.light, 0.3),
    };
    let shade = palette.sky[1].mix(palette.sky[2], 0.55);
    if stormy {
        return (bright.mix(shade, 0.6), shade.scale(0.62));
    }
    (bright, shade)
}
