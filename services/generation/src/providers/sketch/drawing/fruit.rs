//! Fruit on a table, and how round bodies take light and throw shadow.

use super::canvas::Canvas;
use super::color::{Color, WHITE, hex};
use super::flowers;
use super::math::{length, lerp, smoothstep};
use super::palette::Palette;
use super::path::{Path, Point, Stand};
use super::random::Random;
use super::words::Thing;

/// A soft shadow beside what stands on a table.
pub fn drop_shadow(canvas: &mut Canvas, palette: &Palette, at: Point, reach: f32) {
    for (grow, alpha) in [(1.25, 0.1), (1.05, 0.13), (0.88, 0.18), (0.7, 0.25)] {
        let path = Path::ellipse(at.0 + reach * 0.28, at.1, reach * grow, reach * 0.28 * grow);
        canvas.glaze(&path, palette.ink, alpha);
    }
}

/// A body lit from the upper left: light, core, shade and the light thrown back by the table.
pub fn round(canvas: &mut Canvas, path: &Path, at: Point, radius: Point, color: Color, gloss: f32) {
    canvas.fill_with(path, 1.0, |x, y, _| {
        let (u, v) = ((x - at.0) / radius.0, (y - at.1) / radius.1);
        let toward = -0.55 * u - 0.65 * v;
        let body = lerp(0.52, 1.08, smoothstep(-0.75, 0.7, toward));
        let back = smoothstep(0.6, 1.1, v) * 0.14;
        let shine = smoothstep(0.34, 0.04, length(u + 0.36, v + 0.42)) * gloss;
        color.scale(body + back).screen(WHITE, shine)
    });
}

const LEMON: &str = "M -6 52 C -2 46 2 42 8 34 C 18 18 34 12 50 12 C 66 12 82 18 92 34 C 98 42 102 46 106 52 \
    C 102 56 98 60 92 68 C 82 86 66 92 50 92 C 34 92 18 86 8 68 C 2 60 -2 56 -6 52 Z";
const PEAR: &str = "M 50 -26 C 40 -26 36 -14 34 0 C 30 20 8 34 8 62 C 8 88 28 100 50 100 C 72 100 92 88 92 62 \
    C 92 34 70 20 66 0 C 64 -14 60 -26 50 -26 Z";
const APPLE: &str = "M 50 16 C 40 6 6 6 4 46 C 2 76 24 100 40 99 C 46 98 54 98 60 99 C 76 100 98 76 96 46 \
    C 94 6 60 6 50 16 Z";

/// Paints one fruit.
pub fn one_fruit(
    canvas: &mut Canvas,
    palette: &Palette,
    fruit: Thing,
    at: Point,
    size: f32,
    random: &mut Random,
) {
    let lit = |code: u32| palette.lit(hex(code));
    let flip = random.chance(0.5);
    let foot = (at.0, at.1 + size);
    let stand = Stand::new(foot, size * 2.0).flipped(flip);
    let shape = |text: &str| Path::read(text).stand(stand);
    let leaf = lit(0x5a_8440);
    match fruit {
        Thing::Lemon => {
            round(
                canvas,
                &shape(LEMON),
                at,
                (size, size * 0.85),
                lit(0xf2_cf32),
                0.5,
            );
            pores(canvas, at, size, lit(0xc8_9c18), random);
        }
        Thing::Orange => {
            let ball = Path::ellipse(at.0, at.1, size, size * 0.96);
            round(canvas, &ball, at, (size, size), lit(0xee_8628), 0.4);
            pores(canvas, at, size, lit(0xb8_5a10), random);
            let (x, y) = stand.place((50.0, 12.0));
            canvas.fill(
                &Path::ellipse(x, y, size * 0.08, size * 0.05),
                leaf.scale(0.7),
            );
        }
        Thing::Pear => {
            let middle = (at.0, at.1 + size * 0.1);
            round(
                canvas,
                &shape(PEAR),
                middle,
                (size, size * 1.1),
                lit(0xb4_b44a),
                0.35,
            );
            stalk(
                canvas,
                stand,
                [(50.0, -24.0), (56.0, -46.0)],
                lit(0x5a_4028),
            );
        }
        Thing::Cherry => cherries(canvas, stand, size, (lit(0xb4_1c30), leaf)),
        _ => {
            round(canvas, &shape(APPLE), at, (size, size), lit(0xc4_3028), 0.6);
            stalk(canvas, stand, [(50.0, 20.0), (56.0, -6.0)], lit(0x4a_3420));
            let (from, to) = (stand.place((53.0, 6.0)), stand.place((86.0, -8.0)));
            flowers::leaf(canvas, from, to, leaf);
        }
    }
}

fn stalk(canvas: &mut Canvas, stand: Stand, [from, to]: [Point; 2], color: Color) {
    let width = stand.height * 0.036;
    canvas.fill(
        &Path::line(stand.place(from), stand.place(to), width, width),
        color,
    );
}

fn cherries(canvas: &mut Canvas, stand: Stand, size: f32, (red, leaf): (Color, Color)) {
    let top = stand.place((56.0, -40.0));
    for x in [26.0, 74.0] {
        let (x, y) = stand.place((x, 70.0));
        canvas.fill(
            &Path::line((x, y - size * 0.4), top, size * 0.05, size * 0.05),
            leaf,
        );
        let radius = size * 0.48;
        round(
            canvas,
            &Path::ellipse(x, y, radius, radius * 0.96),
            (x, y),
            (radius, radius),
            red,
            0.75,
        );
    }
}

fn pores(canvas: &mut Canvas, at: Point, size: f32, tone: Color, random: &mut Random) {
    for _ in 0..46 {
        let (u, v) = (random.range(-0.8, 0.8), random.range(-0.66, 0.66));
        if u * u + v * v < 0.55 {
            let dot = size * 0.018;
            canvas.glaze(
                &Path::ellipse(at.0 + u * size, at.1 + v * size, dot, dot),
                tone,
                0.3,
            );
        }
    }
}
