//! Vessels on a table: a bowl of fruit, a vase of flowers, a cup, and a candle.

use super::canvas::Canvas;
use super::color::{WHITE, hex};
use super::flowers;
use super::fruit::{drop_shadow, one_fruit, round};
use super::math::{lerp, wave};
use super::palette::Palette;
use super::path::{Path, Point, Stand};
use super::random::Random;
use super::scene::Scene;
use super::words::Thing;

/// Where fruit lies in a bowl, back to front: in widths from its middle.
const HEAP: [Point; 10] = [
    (-0.52, -0.02),
    (0.5, -0.03),
    (0.0, -0.08),
    (-0.27, -0.32),
    (0.27, -0.31),
    (0.0, -0.55),
    (-0.62, 0.09),
    (0.6, 0.1),
    (-0.2, 0.08),
    (0.22, 0.08),
];

/// Paints a bowl.
pub fn bowl(
    canvas: &mut Canvas,
    palette: &Palette,
    fruits: &[Thing],
    at: Point,
    unit: f32,
    random: &mut Random,
) {
    let (wide, tall) = (unit * 0.31, unit * 0.2);
    let rim = at.1 - tall * 0.75;
    drop_shadow(canvas, palette, (at.0, at.1 + tall * 0.3), wide * 0.9);
    let glaze = palette.accent(3).mix(hex(0x4a_6e8c), 0.35);
    canvas.fill(
        &Path::ellipse(at.0, rim, wide, wide * 0.26),
        glaze.scale(0.5),
    );
    for ((u, v), fruit) in HEAP.into_iter().zip(fruits.iter().cycle()) {
        let size = unit * random.range(0.082, 0.094);
        let place = (at.0 + u * wide, rim + v * wide * 0.8);
        one_fruit(canvas, palette, *fruit, place, size, random);
    }
    let along = |step: u32| step as f32 / 24.0;
    let front: Vec<Point> = (0..=24)
        .map(|step| {
            (
                at.0 + wide * (2.0 * along(step) - 1.0),
                rim + wide * 0.26 * wave(along(step) * 0.5),
            )
        })
        .collect();
    let belly = (0..=24).map(|step| {
        let u = 1.0 - 2.0 * along(step);
        (
            at.0 + u * wide,
            rim + tall * 1.15 * (1.0 - u * u).max(0.0).sqrt(),
        )
    });
    let outline: Vec<Point> = front.iter().copied().chain(belly).collect();
    let middle = (at.0, at.1 - tall * 0.1);
    round(
        canvas,
        &Path::polygon(&outline),
        middle,
        (wide, tall),
        glaze,
        0.35,
    );
    let lip = palette.lit(hex(0xf0_ebe0));
    for pair in front.windows(2) {
        canvas.fill(
            &Path::line(pair[0], pair[1], unit * 0.008, unit * 0.008),
            lip,
        );
    }
}

const VASE: &str = "M 36 0 L 64 0 C 62 12 60 18 66 28 C 80 46 82 74 66 98 C 60 101 40 101 34 98 \
    C 18 74 20 46 34 28 C 40 18 38 12 36 0 Z";
const PETALS: [u32; 5] = [0xd8_5a48, 0xf0_c04c, 0xf2_e4dc, 0xc8_6a9c, 0xe8_8a58];

/// Paints a vase.
pub fn vase(canvas: &mut Canvas, scene: &Scene, palette: &Palette, at: Point, unit: f32) {
    let mut random = scene.random.part("vase");
    let tall = unit * 0.36;
    let foot = (at.0, at.1 + tall * 0.2);
    let stand = Stand::new(foot, tall);
    drop_shadow(canvas, palette, foot, tall * 0.34);
    let mouth = stand.place((50.0, 6.0));
    let leaf = palette.lit(hex(0x4e_7a48));
    let mut heads: Vec<(Point, f32)> = Vec::new();
    for index in 0..9 {
        let spread = (index as f32 - 4.0) / 4.0;
        let x = at.0 + spread * unit * 0.27 + unit * random.range(-0.03, 0.03);
        let lift = 0.34 - 0.17 * spread * spread + random.range(-0.07, 0.07);
        heads.push((
            (x, mouth.1 - unit * lift * 0.9),
            unit * random.range(0.06, 0.092),
        ));
    }
    for (head, size) in &heads {
        canvas.fill(
            &Path::line(mouth, *head, unit * 0.008, unit * 0.006),
            leaf.scale(0.8),
        );
        let middle = ((mouth.0 + head.0) * 0.5, (mouth.1 + head.1) * 0.5);
        let side = if random.chance(0.5) { 1.0 } else { -1.0 };
        flowers::leaf(
            canvas,
            middle,
            (middle.0 + side * size * 1.4, middle.1 - size),
            leaf,
        );
    }
    let named = &scene.reading.colors;
    let petals = if named.is_empty() {
        PETALS.map(hex).to_vec()
    } else {
        named.clone()
    };
    for ((head, size), tone) in heads.iter().zip(petals.iter().cycle()) {
        flowers::large(canvas, *head, *size, palette.lit(*tone), &mut random);
    }
    let glaze = palette.lit(hex(0x5a_8090));
    let body = Path::read(VASE).stand(stand);
    round(
        canvas,
        &body,
        stand.place((50.0, 55.0)),
        (tall * 0.34, tall * 0.5),
        glaze,
        0.45,
    );
}

/// Paints a cup.
pub fn cup(canvas: &mut Canvas, palette: &Palette, at: Point, unit: f32) {
    let tall = unit * 0.26;
    let stand = Stand::new(at, tall);
    let china = palette.lit(hex(0xf0_e8da));
    let middle = stand.place((50.0, 60.0));
    drop_shadow(canvas, palette, (at.0, at.1 + tall * 0.03), tall * 0.72);
    canvas.fill(
        &Path::ellipse(at.0, at.1, tall * 0.78, tall * 0.16),
        china.scale(0.78),
    );
    canvas.fill(
        &Path::ellipse(at.0, at.1 - tall * 0.02, tall * 0.74, tall * 0.14),
        china,
    );
    canvas.fill(
        &Path::ellipse(at.0, at.1 - tall * 0.015, tall * 0.42, tall * 0.07),
        china.scale(0.72),
    );
    let grip =
        Path::read("M 86 40 C 112 36 116 66 92 76 L 90 70 C 106 62 104 44 87 47 Z").stand(stand);
    canvas.fill(&grip, china.scale(0.9));
    let body = Path::read("M 8 26 C 8 66 22 94 36 97 L 64 97 C 78 94 92 66 92 26 Z").stand(stand);
    round(canvas, &body, middle, (tall * 0.46, tall * 0.5), china, 0.3);
    let rim = stand.place((50.0, 26.0));
    canvas.fill(
        &Path::ellipse(rim.0, rim.1, tall * 0.42, tall * 0.1),
        china.mix(WHITE, 0.3),
    );
    canvas.fill(
        &Path::ellipse(rim.0, rim.1 + tall * 0.008, tall * 0.38, tall * 0.08),
        palette.lit(hex(0x4a_2c1c)),
    );
    for line in 0..3 {
        let x = rim.0 + (line as f32 - 1.0) * tall * 0.2;
        for step in 0..26 {
            let t = step as f32 / 25.0;
            let sway = tall * 0.07 * wave(t * 1.3 + line as f32 * 0.3);
            let size = tall * lerp(0.025, 0.06, t);
            let puff = Path::ellipse(x + sway, rim.1 - tall * (0.1 + 0.75 * t), size, size * 1.4);
            canvas.glaze(&puff, palette.snow, 0.055 * (1.0 - t));
        }
    }
}

/// Paints a candle.
pub fn candle(canvas: &mut Canvas, palette: &Palette, at: Point, unit: f32) {
    let tall = unit * 0.3;
    let stand = Stand::new(at, tall);
    let wax = palette.lit(hex(0xf0_e2c2));
    drop_shadow(canvas, palette, at, tall * 0.3);
    canvas.fill(
        &Path::ellipse(at.0, at.1, tall * 0.3, tall * 0.07),
        palette.lit(hex(0xb0_8a4a)),
    );
    let body = Path::read("M 42 24 L 58 24 L 58 98 Q 50 102 42 98 Z").stand(stand);
    round(
        canvas,
        &body,
        stand.place((50.0, 50.0)),
        (tall * 0.09, tall * 0.6),
        wax,
        0.2,
    );
    let flame = stand.place((50.0, 8.0));
    super::things::halo(canvas, flame, unit * 0.19, hex(0xff_b050), 0.65);
    let outline =
        Path::read("M 50 -12 C 56 2 57 10 55 16 C 53 22 47 22 45 16 C 43 10 44 2 50 -12 Z");
    canvas.fill(&outline.stand(stand), hex(0xff_c860));
    let heart = Path::read("M 50 2 C 53 8 54 13 52 17 C 51 20 49 20 48 17 C 46 13 47 8 50 2 Z");
    canvas.fill(&heart.stand(stand), hex(0xff_f4d8));
}
