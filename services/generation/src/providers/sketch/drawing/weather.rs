//! What falls and drifts before everything else: rain, snow, mist, lightning.

use super::canvas::Canvas;
use super::clouds::Field;
use super::color::WHITE;
use super::math::{fade, length, smoothstep};
use super::noise::fbm2;
use super::path::{Path, Point};
use super::random::Random;
use super::stage::Stage;
use super::words::Thing;

/// Paints lightning, which stands behind the land.
pub fn lightning(canvas: &mut Canvas, stage: &Stage) {
    if !stage.scene.has(Thing::Storm) {
        return;
    }
    let mut random = stage.random("lightning");
    let x = stage.width * random.range(0.2, 0.8);
    let mut at = (x, stage.horizon * random.range(0.05, 0.15));
    let glow = stage.unit * 0.34;
    canvas.around((x, stage.horizon * 0.4), glow * 2.0, |px, py, color| {
        let distance = length(px - x, (py - stage.horizon * 0.4) * 0.6) / glow;
        color.screen(stage.palette.snow, 0.3 * fade(distance * distance * 3.0))
    });
    let mut width = stage.unit * 0.007;
    while at.1 < stage.horizon {
        let next = (
            at.0 + stage.unit * random.range(-0.045, 0.045),
            at.1 + stage.unit * random.range(0.02, 0.05),
        );
        canvas.fill(&Path::line(at, next, width, width * 0.95), WHITE);
        if random.chance(0.3) {
            fork(canvas, stage, next, width * 0.5, &mut random);
        }
        width *= 0.95;
        at = next;
    }
}

fn fork(canvas: &mut Canvas, stage: &Stage, from: Point, width: f32, random: &mut Random) {
    let mut at = from;
    let side = if random.chance(0.5) { 1.0 } else { -1.0 };
    for _ in 0..4 {
        let next = (
            at.0 + side * stage.unit * random.range(0.01, 0.05),
            at.1 + stage.unit * random.range(0.015, 0.04),
        );
        canvas.glaze(&Path::line(at, next, width, width * 0.7), WHITE, 0.8);
        at = next;
    }
}

/// Paints what lies before everything else.
pub fn paint(canvas: &mut Canvas, stage: &Stage) {
    let scene = stage.scene;
    if scene.has(Thing::Fog) {
        mist(canvas, stage, 0.72);
    } else if scene.has_any(&[Thing::Rain, Thing::Storm]) {
        mist(canvas, stage, 0.28);
    }
    if scene.has_any(&[Thing::Rain, Thing::Storm]) {
        rain(canvas, stage);
    }
    if scene.has(Thing::Snow) {
        snow(canvas, stage);
    }
}

fn mist(canvas: &mut Canvas, stage: &Stage, strength: f32) {
    let seed = stage.random("mist").field();
    let scale = 1.7 / stage.unit;
    let step = (stage.unit / 200.0).max(3.0);
    let field = Field::new(stage.width, stage.height, step, |x, y| {
        fbm2(x * scale, y * scale * 3.4, 4, seed)
    });
    let tone = stage.palette.haze.mix(stage.palette.sky[3], 0.35);
    let middle = stage.horizon + stage.unit * 0.03;
    let reach = stage.unit * 0.34;
    canvas.each(|x, y, color| {
        let band = fade(((y - middle) / reach).abs() * 1.3);
        let drift = smoothstep(0.25, 0.75, field.at(x, y));
        color.mix(tone, strength * band * (0.35 + 0.65 * drift))
    });
}

fn rain(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("rain");
    let wind = random.range(-0.26, 0.26);
    let tone = stage.palette.sky[3].mix(WHITE, 0.45);
    let area = stage.width * stage.height / (stage.unit * stage.unit);
    for _ in 0..(620.0 * area) as usize {
        let near = random.unit() * random.unit();
        let fall = stage.unit * (0.022 + 0.075 * near);
        let at = (
            random.range(-0.1, 1.1) * stage.width,
            random.range(-0.1, 1.0) * stage.height,
        );
        let end = (at.0 + fall * wind, at.1 + fall);
        let width = stage.unit * (0.0007 + 0.0015 * near);
        let path = Path::line(at, end, width * 0.4, width.max(0.6));
        canvas.glaze(&path, tone, 0.12 + 0.3 * near);
    }
}

fn snow(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("snow");
    let tone = stage.palette.snow.mix(WHITE, 0.35);
    let area = stage.width * stage.height / (stage.unit * stage.unit);
    for _ in 0..(430.0 * area) as usize {
        let near = random.unit() * random.unit();
        let size = stage.unit * (0.0011 + 0.0062 * near * near + 0.0012 * near);
        let at = (
            random.range(0.0, stage.width),
            random.range(0.0, stage.height),
        );
        let alpha = 0.85 - 0.45 * near;
        canvas.around(at, size * 1.8 + 1.0, |x, y, color| {
            let distance = length(x - at.0, y - at.1) / size.max(0.7);
            color.mix(tone, alpha * smoothstep(1.5, 0.4, distance))
        });
    }
}
