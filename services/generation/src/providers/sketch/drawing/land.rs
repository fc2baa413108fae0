//! Land: ranges of mountains, rolling hills, dunes and the ground close by.

use super::canvas::Canvas;
use super::color::Color;
use super::math::{fade, lerp, smoothstep};
use super::noise::{fbm1, fbm2, noise2, ridged1};
use super::random::Random;
use super::stage::Stage;
use super::words::Thing;

/// The upper edge of a layer, two samples for each column so that its edge is smooth.
pub struct Ridge(Vec<f32>);

impl Ridge {
    /// Works the edge out from the place across.
    pub fn new(width: usize, edge: impl Fn(f32) -> f32) -> Self {
        Self(
            (0..width * 2 + 2)
                .map(|i| edge(i as f32 * 0.5 + 0.25))
                .collect(),
        )
    }

    /// The row of the edge at a place across.
    pub fn at(&self, x: f32) -> f32 {
        let index = ((x * 2.0).max(0.0) as usize).min(self.0.len() - 1);
        self.0[index]
    }

    fn highest(&self) -> f32 {
        self.0.iter().copied().fold(f32::INFINITY, f32::min)
    }

    fn cover(&self, x: f32, y: f32) -> f32 {
        let index = ((x as usize) * 2).min(self.0.len() - 2);
        let part = |edge: f32| (y + 0.5 - edge).clamp(0.0, 1.0);
        0.5 * (part(self.0[index]) + part(self.0[index + 1]))
    }

    /// Paints all below the edge, down to `low`, from the place and how deep it lies.
    pub fn paint(&self, canvas: &mut Canvas, low: f32, color: impl Fn(f32, f32, f32) -> Color) {
        let top = self.highest().max(0.0) as usize;
        let low = low.max(0.0).ceil() as usize;
        canvas.rows(top, low, |x, y, under| {
            let cover = self.cover(x, y);
            if cover <= 0.0 {
                return under;
            }
            under.mix(color(x, y, (y - self.at(x)).max(0.0)), cover)
        });
    }
}

/// Paints the mountains, far ranges first.
pub fn mountains(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("mountains");
    let ranges = if stage.scene.has(Thing::Forest) { 2 } else { 3 };
    for range in 0..ranges {
        let near = (range as f32 + 0.6) / ranges as f32;
        let tall = stage.horizon * lerp(0.72, 0.36, near) * random.range(0.85, 1.15);
        let foot = stage.horizon + stage.unit * 0.02;
        let ridge = crest(canvas.width, stage, &mut random, foot, tall);
        rock(
            canvas,
            stage,
            &ridge,
            (foot, tall, 1.0 - near),
            random.field(),
        );
    }
}

fn crest(width: usize, stage: &Stage, random: &mut Random, foot: f32, tall: f32) -> Ridge {
    let seed = random.field();
    let peak = stage.width * random.range(0.15, 0.85);
    let spread = stage.unit * random.range(0.28, 0.42);
    let scale = random.range(1.5, 2.1) / stage.unit;
    Ridge::new(width, |x| {
        let massif = fade((x - peak).abs() / spread);
        let rough = ridged1(x * scale, 6, seed);
        let rough = rough * rough;
        foot - tall * (0.1 + 0.52 * rough + 0.5 * massif * (0.5 + 0.5 * rough))
    })
}

// Light and shade on rock follow the slope of the crest above, bent by noise on the way down.
fn rock(canvas: &mut Canvas, stage: &Stage, ridge: &Ridge, shape: (f32, f32, f32), seed: u32) {
    let (foot, tall, distance) = shape;
    let palette = stage.palette;
    let white = stage.scene.is_white();
    let scale = 13.0 / stage.unit;
    let reach = stage.unit * 0.016;
    let spur = stage.unit * 0.09;
    let from_left = if stage.light.0 < stage.width * 0.5 {
        1.0
    } else {
        -1.0
    };
    let snow_line = foot - tall * if white { 0.1 } else { 0.58 };
    let haze = 0.1 + 0.52 * distance;
    ridge.paint(canvas, foot, |x, y, depth| {
        let rough = fbm2(x * scale, y * scale * 0.7, 2, seed) - 0.5;
        let bent = x + depth * 0.3 * from_left + rough * (spur + depth * 0.5);
        let slope = (ridge.at(bent - reach) - ridge.at(bent + reach)) / (2.0 * reach);
        let lit = smoothstep(-0.35, 0.35, slope * from_left + rough * 0.5);
        let bare = palette.stone.scale(lerp(0.58, 1.16, lit));
        let edge = snow_line + rough * tall * 0.5 - depth * 0.1;
        let snow = smoothstep(edge + tall * 0.05, edge - tall * 0.05, y);
        let cold = palette.snow_shade.mix(palette.snow, lit);
        let color = bare.mix(cold, snow * 0.92);
        let mist = smoothstep(foot - tall * 0.75, foot, y) * 0.34;
        palette.far(color, haze + mist)
    });
}

/// Paints rolling hills from the horizon towards `nearest` (0 the horizon, 1 the lower edge).
pub fn hills(canvas: &mut Canvas, stage: &Stage, nearest: f32) {
    let mut random = stage.random("hills");
    let layers = 4;
    for layer in 0..layers {
        let near = (layer as f32 + 0.4) / layers as f32;
        let row = stage.row(near * nearest) - stage.unit * 0.02;
        let swell = stage.unit * lerp(0.07, 0.16, near);
        let seed = random.field();
        let scale = lerp(3.4, 1.1, near) / stage.unit;
        let ridge = Ridge::new(canvas.width, |x| {
            row - swell * (fbm1(x * scale, 3, seed) - 0.42) * 1.6
        });
        let color = stage
            .palette
            .ground
            .mix(stage.palette.leaf, 0.5 - 0.4 * near);
        let haze = lerp(0.66, 0.0, near);
        slope(canvas, stage, &ridge, color, haze, seed);
        if !stage.scene.has(Thing::Desert) && layer < 3 {
            super::trees::scatter(canvas, stage, &ridge, near);
        }
    }
}

/// Paints one slope: lit along its edge, misty below.
pub fn slope(
    canvas: &mut Canvas,
    stage: &Stage,
    ridge: &Ridge,
    color: Color,
    haze: f32,
    seed: u32,
) {
    let palette = stage.palette;
    let soft = stage.unit * 0.16;
    let rim = stage.unit * 0.02;
    let scale = 14.0 / stage.unit;
    let light = stage.light.0;
    ridge.paint(canvas, stage.height, |x, y, depth| {
        let patch = fbm2(x * scale * 0.35, y * scale, 2, seed) - 0.5;
        let sun = fade((x - light).abs() / stage.width * 1.6);
        let lit = color
            .scale(1.0 + patch * 0.16)
            .screen(palette.light, 0.26 * sun * fade(depth / rim));
        palette.far(
            lit,
            haze + 0.3 * (1.0 - fade(depth / soft)) * haze.min(0.6) * 1.6,
        )
    });
}

/// Paints dunes.
pub fn dunes(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("dunes");
    for layer in 0..5 {
        let near = layer as f32 / 4.0;
        let row = stage.row(near * 0.72);
        let swell = stage.unit * lerp(0.05, 0.2, near);
        let seed = random.field();
        let scale = lerp(2.6, 0.9, near) / stage.unit;
        let ridge = Ridge::new(canvas.width, |x| {
            row - swell * (ridged1(x * scale, 2, seed) - 0.35)
        });
        let palette = stage.palette;
        let ripple = 60.0 / stage.unit;
        let from_left = if stage.light.0 < stage.width * 0.5 {
            1.0
        } else {
            -1.0
        };
        let reach = stage.unit * 0.01;
        ridge.paint(canvas, stage.height, |x, y, depth| {
            let bent = x + depth * 0.9 * from_left;
            let slope = (ridge.at(bent - reach) - ridge.at(bent + reach)) / (2.0 * reach);
            let lit = smoothstep(-0.12, 0.12, slope * from_left);
            let bend = noise2(x * ripple * 0.08, y * ripple * 0.1, seed) * 5.0;
            let line = noise2(x * ripple * 0.1, y * ripple * 1.1 + bend, seed ^ 3) - 0.5;
            let color = palette
                .ground
                .scale(lerp(0.68, 1.06, lit) + line * 0.07 * near);
            palette.far(color, lerp(0.62, 0.0, near))
        });
    }
}

/// Paints the ground close by, from `nearness` on.
pub fn ground(canvas: &mut Canvas, stage: &Stage, nearness: f32) {
    let seed = stage.random("ground").field();
    let row = stage.row(nearness);
    let scale = 1.6 / stage.unit;
    let ridge = Ridge::new(canvas.width, |x| {
        row + stage.unit * 0.035 * (fbm1(x * scale, 3, seed) - 0.5)
    });
    let palette = stage.palette;
    let white = stage.scene.is_white();
    let deep = stage.height - row;
    let grain = 10.0 / stage.unit;
    let color = if white { palette.snow } else { palette.ground };
    let shade = if white {
        palette.snow_shade
    } else {
        palette.leaf
    };
    ridge.paint(canvas, stage.height, |x, y, depth| {
        let down = depth / deep.max(1.0);
        let patch = fbm2(x * grain * 0.4, y * grain * 1.4, 3, seed);
        let dark = smoothstep(0.35, 0.75, patch) * 0.5 + down * 0.35;
        palette.far(
            color.mix(shade, dark.clamp(0.0, 0.85)),
            0.3 * (1.0 - down) * (1.0 - down),
        )
    });
}
