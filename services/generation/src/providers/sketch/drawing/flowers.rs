//! Flowers and grass: what grows in the foreground.

use super::canvas::Canvas;
use super::color::{Color, hex};
use super::math::{TURN, cos, lerp, sin};
use super::path::{Path, Point};
use super::random::Random;
use super::stage::Stage;
use super::words::Thing;

/// Paints tufts of grass over the ground, ever larger towards the viewer.
pub fn grass(canvas: &mut Canvas, stage: &Stage, from: f32) {
    let mut random = stage.random("grass");
    let palette = stage.palette;
    let area = stage.width / stage.unit;
    for _ in 0..(900.0 * area) as usize {
        let near = lerp(from, 1.04, random.unit().sqrt());
        let size = stage.unit * lerp(0.006, 0.038, near) * random.range(0.6, 1.3);
        let foot = (random.range(0.0, stage.width), stage.row(near));
        let lean = size * random.range(-0.35, 0.35);
        let tone = palette.ground.mix(palette.leaf, random.range(0.1, 0.75));
        let tone = tone.screen(palette.light, random.range(0.0, 0.12));
        let blade = Path::line(
            foot,
            (foot.0 + lean, foot.1 - size),
            size * 0.09,
            size * 0.015,
        );
        canvas.glaze(&blade, tone, 0.85);
    }
}

/// Strews flowers over a meadow.
pub fn strew(canvas: &mut Canvas, stage: &Stage, from: f32) {
    let mut random = stage.random("flowers");
    let mut petals = vec![
        hex(0xd8_4a3c),
        hex(0xf0_d060),
        hex(0xf4_f0e4),
        hex(0x9a_70c8),
        hex(0xe8_8ab0),
    ];
    if !stage.scene.reading.colors.is_empty() {
        petals.clone_from(&stage.scene.reading.colors);
    }
    let area = stage.width / stage.unit;
    let mut places: Vec<(f32, f32)> = (0..(300.0 * area) as usize)
        .map(|_| {
            (
                lerp(from, 1.03, random.unit().sqrt()),
                random.range(0.0, stage.width),
            )
        })
        .collect();
    places.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (near, x) in places {
        let size = stage.unit * lerp(0.0028, 0.018, near * near) * random.range(0.7, 1.2);
        let foot = (x, stage.row(near) + size * 2.0);
        let head = (
            x + size * random.range(-0.8, 0.8),
            foot.1 - size * random.range(2.6, 5.0),
        );
        let stem = stage.palette.leaf.mix(stage.palette.ground, 0.3);
        canvas.fill(&Path::line(foot, head, size * 0.22, size * 0.14), stem);
        let tone = stage.palette.lit(petals[random.index(petals.len())]);
        bloom(canvas, head, size, tone, &mut random);
    }
}

fn bloom(canvas: &mut Canvas, at: Point, size: f32, tone: Color, random: &mut Random) {
    if size < 2.2 {
        canvas.fill(&Path::ellipse(at.0, at.1, size, size * 0.75), tone);
        return;
    }
    let turn = random.unit() * TURN;
    for petal in 0..6 {
        let angle = turn + petal as f32 / 6.0 * TURN;
        let (x, y) = (
            at.0 + cos(angle) * size * 0.6,
            at.1 + sin(angle) * size * 0.46,
        );
        let shade = 0.86 + 0.16 * sin(angle - 1.2);
        canvas.fill(
            &Path::ellipse(x, y, size * 0.52, size * 0.42),
            tone.scale(shade),
        );
    }
    canvas.fill(
        &Path::ellipse(at.0, at.1, size * 0.3, size * 0.24),
        hex(0x4a_3424).mix(tone, 0.2),
    );
}

/// One large flower seen from the front, for vases and close views.
pub fn large(canvas: &mut Canvas, at: Point, size: f32, tone: Color, random: &mut Random) {
    let rings = [(1.0, 11, 0.82), (0.76, 9, 0.95), (0.52, 7, 1.1)];
    for (reach, petals, brightness) in rings {
        let turn = random.unit() * TURN;
        for petal in 0..petals {
            let angle = turn + petal as f32 / petals as f32 * TURN;
            let length = size * reach * random.range(0.9, 1.06);
            let shade = brightness * (0.9 + 0.13 * sin(angle - 2.2));
            let tip = (at.0 + cos(angle) * length, at.1 + sin(angle) * length);
            let side = |spread: f32, share: f32| {
                let a = angle + spread;
                (
                    at.0 + cos(a) * length * share,
                    at.1 + sin(a) * length * share,
                )
            };
            let outline = Path::polygon(&[
                at,
                side(-0.2, 0.45),
                side(-0.29, 0.75),
                side(-0.15, 0.96),
                tip,
                side(0.15, 0.96),
                side(0.29, 0.75),
                side(0.2, 0.45),
            ]);
            canvas.fill(&outline, tone.scale(shade));
            canvas.glaze(
                &Path::line(at, side(0.0, 0.8), size * 0.02, size * 0.004),
                tone.scale(0.6),
                0.5,
            );
        }
    }
    let heart = hex(0x5a_3a1e).mix(tone, 0.15);
    canvas.fill(&Path::ellipse(at.0, at.1, size * 0.24, size * 0.24), heart);
    for _ in 0..40 {
        let (a, r) = (random.unit() * TURN, random.unit().sqrt() * size * 0.21);
        let dot = Path::ellipse(
            at.0 + cos(a) * r,
            at.1 + sin(a) * r,
            size * 0.018,
            size * 0.018,
        );
        canvas.fill(&dot, hex(0xe8_b84a).scale(random.range(0.7, 1.1)));
    }
}

/// A leaf from one place to another.
pub fn leaf(canvas: &mut Canvas, from: Point, to: Point, tone: Color) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let at = |along: f32, aside: f32| {
        (
            from.0 + dx * along - dy * aside,
            from.1 + dy * along + dx * aside,
        )
    };
    let half = |side: f32| {
        Path::polygon(&[
            from,
            at(0.2, 0.13 * side),
            at(0.45, 0.19 * side),
            at(0.75, 0.12 * side),
            to,
        ])
    };
    canvas.fill(&half(1.0), tone);
    canvas.fill(&half(-1.0), tone.scale(0.8));
}

/// Whether a landscape wants flowers in its foreground.
pub fn wanted(stage: &Stage) -> bool {
    let scene = stage.scene;
    scene.has_any(&[Thing::Flower, Thing::Spring, Thing::Butterfly]) && !scene.is_white()
}
