//! Trees: conifers in tiers, round crowns of leaves, and woods made of many.

use super::canvas::Canvas;
use super::color::{Color, hex};
use super::land::Ridge;
use super::math::{TURN, cos, lerp, sin};
use super::noise::fbm1;
use super::path::{Path, Point};
use super::random::Random;
use super::stage::Stage;
use super::words::Thing;

/// Paints a wood: bands of trees from the horizon forward, ever taller.
pub fn forest(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("forest");
    let bands = 4;
    for band in 0..bands {
        let near = band as f32 / bands as f32;
        let seed = random.field();
        let row = stage.row(0.02 + 0.3 * near);
        let scale = 2.0 / stage.unit;
        let swell = stage.unit * 0.06;
        let ridge = Ridge::new(canvas.width, |x| {
            row - swell * (fbm1(x * scale, 3, seed) - 0.3)
        });
        let tall = stage.unit * lerp(0.075, 0.26, near * near.sqrt());
        let haze = lerp(0.68, 0.2, near);
        let floor = stage.palette.ground.mix(stage.palette.leaf, 0.6);
        let mut x = -tall * random.unit();
        while x < stage.width + tall {
            // Farther bands are closed; nearer ones leave a view between the trunks.
            let gap = if band < 2 {
                0.0
            } else {
                view_gap(x / stage.width)
            };
            if !random.chance(gap) {
                let height = tall * random.range(0.62, 1.2);
                any_tree(
                    canvas,
                    stage,
                    (x, ridge.at(x) + tall * 0.06),
                    height,
                    haze,
                    &mut random,
                );
            }
            x += tall * random.range(0.16, 0.36);
        }
        super::land::slope(canvas, stage, &ridge, floor, haze * 0.9, seed);
    }
}

fn view_gap(across: f32) -> f32 {
    let off = (across - 0.5).abs() * 2.0;
    (1.0 - off * 1.3).clamp(0.0, 0.85)
}

/// Paints big trees at both sides, which frame the picture.
pub fn frame(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("frame");
    for (side, count) in [(0.0_f32, 2), (1.0, 2)] {
        for tree in 0..count {
            let inward = 0.015 + 0.1 * tree as f32 * random.range(0.6, 1.1);
            let x = stage.width * (side - inward * (side * 2.0 - 1.0));
            let y = stage.height * (1.01 - 0.07 * tree as f32 * random.range(0.7, 1.2));
            let height = stage.height * random.range(0.62, 0.86) * (1.0 - 0.16 * tree as f32);
            any_tree(
                canvas,
                stage,
                (x, y),
                height,
                0.02 + 0.08 * tree as f32,
                &mut random,
            );
        }
    }
}

/// Paints a few trees on a slope.
pub fn scatter(canvas: &mut Canvas, stage: &Stage, ridge: &Ridge, near: f32) {
    let mut random = stage
        .random("scatter")
        .part(if near > 0.5 { "near" } else { "far" });
    let tall = stage.unit * lerp(0.022, 0.085, near);
    let groups = 5;
    for _ in 0..groups {
        let middle = random.range(-0.05, 1.05) * stage.width;
        for _ in 0..random.index(7) {
            let x = middle + tall * random.range(-2.6, 2.6);
            let foot = (x, ridge.at(x) + tall * 0.12);
            let height = tall * random.range(0.6, 1.25);
            any_tree(
                canvas,
                stage,
                foot,
                height,
                lerp(0.66, 0.1, near),
                &mut random,
            );
        }
    }
}

fn any_tree(
    canvas: &mut Canvas,
    stage: &Stage,
    foot: Point,
    height: f32,
    haze: f32,
    random: &mut Random,
) {
    let scene = stage.scene;
    let leafy = scene.has_any(&[Thing::Autumn, Thing::Spring, Thing::Tree])
        || (scene.has(Thing::Meadow) || scene.has(Thing::Hill)) && !scene.is_white();
    if leafy && random.chance(0.86) {
        round_tree(canvas, stage, foot, height * 0.8, haze, random);
    } else {
        conifer(canvas, stage, foot, height, haze, random);
    }
}

/// Paints a conifer, with snow on it when snow lies.
pub fn conifer(
    canvas: &mut Canvas,
    stage: &Stage,
    foot: Point,
    height: f32,
    haze: f32,
    random: &mut Random,
) {
    let palette = stage.palette;
    let own = palette.leaf.scale(random.range(0.78, 1.08));
    let color = palette.far(own, haze);
    let dark = palette.far(own.scale(0.66), haze);
    let trunk = palette.far(palette.lit(hex(0x4a_3628)), haze);
    let (x, y) = foot;
    canvas.fill(
        &Path::line((x, y), (x, y - height * 0.9), height * 0.045, height * 0.01),
        trunk,
    );
    let tiers = if height < stage.unit * 0.06 { 4 } else { 8 };
    let wide = height * random.range(0.17, 0.23);
    for tier in 0..tiers {
        let t = tier as f32 / tiers as f32;
        let low = y - height * (0.1 + 0.8 * t);
        let high = (low - height * 0.24).max(y - height);
        let reach = wide * (1.0 - t * 0.93) * random.range(0.88, 1.1);
        let boughs = bough(x, low, high, reach, random);
        let from_light = (x - stage.light.0).signum();
        canvas.fill_with(&boughs, 1.0, |px, py, _| {
            let side = ((px - x) * from_light / reach.max(1.0)).clamp(-1.0, 1.0);
            let under = ((py - high) / (low - high).max(1.0)).clamp(0.0, 1.0);
            color.mix(dark, (0.35 * side + 0.5 * under + 0.1).clamp(0.0, 1.0))
        });
        if stage.scene.is_white() {
            snow_on(canvas, stage, (x, low, high, reach), haze, random);
        }
    }
}

// One tier: a pointed roof with a ragged, drooping lower edge.
fn bough(x: f32, low: f32, high: f32, reach: f32, random: &mut Random) -> Path {
    let mut points = vec![(x, high)];
    let teeth = 7;
    for tooth in 0..=teeth * 2 {
        let t = tooth as f32 / (teeth * 2) as f32 * 2.0 - 1.0;
        let droop = (t * t) * (low - high) * 0.2;
        let notch = if tooth % 2 == 0 {
            0.0
        } else {
            (low - high) * random.range(0.1, 0.26)
        };
        points.push((x - t * reach, low + droop - notch));
    }
    Path::polygon(&points)
}

fn snow_on(
    canvas: &mut Canvas,
    stage: &Stage,
    tier: (f32, f32, f32, f32),
    haze: f32,
    random: &mut Random,
) {
    let (x, low, high, reach) = tier;
    let palette = stage.palette;
    let snow = palette.far(palette.snow, haze);
    let shade = palette.far(palette.snow_shade, haze);
    for side in [-1.0, 1.0] {
        let t = random.range(0.55, 0.92);
        let tip = (
            x + side * reach * t,
            low - (low - high) * random.range(0.06, 0.2),
        );
        let mid = (
            x + side * reach * t * 0.45,
            (low + high) * 0.5 - (low - high) * 0.02,
        );
        let shape = Path::polygon(&[
            (x, high - (low - high) * 0.06),
            (mid.0 + side * reach * 0.04, mid.1),
            tip,
            (mid.0 - side * reach * 0.1, mid.1 + (low - high) * 0.16),
            (x + side * reach * 0.04, high + (low - high) * 0.3),
        ]);
        let toward = (stage.light.0 - x) * side > 0.0;
        canvas.glaze(&shape, if toward { snow } else { shade }, 0.92);
    }
}

/// Paints a tree with a round crown.
pub fn round_tree(
    canvas: &mut Canvas,
    stage: &Stage,
    foot: Point,
    height: f32,
    haze: f32,
    random: &mut Random,
) {
    let palette = stage.palette;
    let bark = palette.far(palette.lit(hex(0x54_4034)), haze);
    let own = palette.leaf.scale(random.range(0.9, 1.15));
    let (x, y) = foot;
    let lean = height * random.range(-0.05, 0.05);
    let fork = (x + lean * 0.6, y - height * 0.42);
    canvas.fill(
        &Path::line(foot, fork, height * 0.075, height * 0.045),
        bark,
    );
    for branch in 0..5 {
        let angle = 0.25 + 0.125 * (branch as f32 - 2.0) * 0.8;
        let end = (
            fork.0 + height * 0.36 * cos(angle * TURN),
            fork.1 - height * 0.36 * sin(angle * TURN),
        );
        canvas.fill(&Path::line(fork, end, height * 0.032, height * 0.008), bark);
    }
    let crown = (x + lean, y - height * 0.66);
    let big = height > stage.unit * 0.1;
    let rounds = [(0.62, 16, 0.92), (0.85, 16, 0.75), (1.12, 14, 0.55)];
    for (brightness, blobs, spread) in rounds {
        let tone = palette.far(own.scale(brightness), haze);
        let lift = height * 0.05 * (brightness - 0.6);
        let side = (stage.light.0 - crown.0).signum() * lift;
        for _ in 0..blobs {
            let (a, r) = (random.unit() * TURN, random.unit().sqrt() * spread);
            let bx = crown.0 + side + cos(a) * r * height * 0.33;
            let by = crown.1 - lift * 2.0 + sin(a) * r * height * 0.27;
            leaves(
                canvas,
                (bx, by),
                height * random.range(0.075, 0.13),
                tone,
                big,
                random,
            );
        }
    }
}

// A clump: one disc when small, a ragged edge when it can be seen.
fn leaves(canvas: &mut Canvas, at: Point, size: f32, tone: Color, big: bool, random: &mut Random) {
    if !big {
        canvas.fill(&Path::ellipse(at.0, at.1, size, size * 0.85), tone);
        return;
    }
    let points: Vec<Point> = (0..22)
        .map(|i| {
            let angle = i as f32 / 22.0 * TURN;
            let r = size * random.range(0.72, 1.12);
            (at.0 + cos(angle) * r, at.1 + sin(angle) * r * 0.86)
        })
        .collect();
    canvas.fill(&Path::polygon(&points), tone);
}
