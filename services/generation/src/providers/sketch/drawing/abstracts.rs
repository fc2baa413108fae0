//! Forms only: marble with veins of gold, ribbons, and circles and bars on a ground.

use super::canvas::Canvas;
use super::clouds::Field;
use super::color::{BLACK, Color, WHITE, gradient, hex};
use super::math::{TURN, cos, length, lerp, sin, smoothstep};
use super::noise::{fbm1, fbm2};
use super::path::{Path, Point};
use super::random::Random;
use super::scene::Scene;
use super::words::Thing;

/// Paints an abstract picture, in the way the prompt asks for or its words decide.
pub fn paint(canvas: &mut Canvas, scene: &Scene) {
    let colors = colors(scene);
    let mut random = scene.random.part("abstract");
    let way = match () {
        () if scene.has(Thing::Geometric) => 2,
        () if scene.has(Thing::Waves) => 1,
        () if scene.has(Thing::Marble) => 0,
        () => (scene.character >> 5) % 3,
    };
    match way {
        0 => marble(canvas, &colors, &mut random),
        1 => ribbons(canvas, &colors, &mut random),
        _ => forms(canvas, &colors, &mut random),
    }
}

// From dark to light; named colours in the middle.
fn colors(scene: &Scene) -> Vec<Color> {
    let mut random = Random::new(scene.character).part("colors");
    let mut named = scene.reading.colors.clone();
    if named.is_empty() {
        let hue = random.unit();
        let apart = [0.5, 0.33, 0.08, 0.42][random.index(4)];
        named = vec![
            Color::hsl(hue, 0.55, 0.42),
            Color::hsl(hue + apart, 0.7, 0.58),
            Color::hsl(hue + 0.5 * apart, 0.4, 0.72),
        ];
    }
    if named.len() == 1 {
        let one = named[0];
        named.push(one.mix(WHITE, 0.4));
        named.push(Color::hsl(random.unit(), 0.3, 0.6).tint(one, 0.5));
    }
    let darkest = named
        .iter()
        .copied()
        .min_by(|a, b| a.luma().total_cmp(&b.luma()));
    let lightest = named
        .iter()
        .copied()
        .max_by(|a, b| a.luma().total_cmp(&b.luma()));
    let dark = darkest
        .unwrap_or(BLACK)
        .scale(0.26)
        .mix(hex(0x12_1018), 0.35);
    let light = lightest.unwrap_or(WHITE).mix(hex(0xf6_eedd), 0.72);
    std::iter::once(dark)
        .chain(named)
        .chain(std::iter::once(light))
        .collect()
}

fn marble(canvas: &mut Canvas, colors: &[Color], random: &mut Random) {
    let (width, height) = canvas.size();
    let unit = canvas.unit();
    let seed = random.field();
    let scale = random.range(1.2, 1.7) / unit;
    let step = (unit / 420.0).max(1.5);
    let turn = random.unit() * TURN;
    let bend = |x: f32, y: f32, part: u32| fbm2(x * scale * 1.3, y * scale * 1.3, 3, seed ^ part);
    let flow = Field::new(width, height, step, |x, y| {
        let (a, b) = (bend(x, y, 1), bend(y, x, 2));
        let along = (x * cos(turn) + y * sin(turn)) * scale;
        along * 0.7 + fbm2(x * scale + a * 2.6, y * scale + b * 2.6, 3, seed) * 2.2
    });
    let gold = colors[colors.len() - 2].mix(hex(0xe8_c068), 0.45);
    let body = &colors[..colors.len() - 1];
    let reach = unit * 0.006;
    canvas.each(|x, y, _| {
        let here = flow.at(x, y);
        let t = here * 1.7;
        let fold = (t - 2.0 * (t * 0.5).floor() - 1.0).abs();
        let slope = (flow.at(x + reach, y + reach) - flow.at(x - reach, y - reach)) * 9.0;
        let color = gradient(body, fold).scale(1.0 + slope.clamp(-0.28, 0.34));
        let cell = here * 3.4;
        let vein = (cell - cell.floor() - 0.5).abs();
        let thin = smoothstep(0.045, 0.012, vein) * smoothstep(0.25, 0.7, fold + slope);
        let sheen = (0.75 + slope * 1.6).clamp(0.5, 1.5);
        color.mix(gold.scale(sheen), thin * 0.95)
    });
    flecks(canvas, gold, random);
}

fn flecks(canvas: &mut Canvas, gold: Color, random: &mut Random) {
    let (width, height) = canvas.size();
    let unit = canvas.unit();
    for _ in 0..140 {
        let at = (random.range(0.0, width), random.range(0.0, height));
        let size = unit * (0.001 + 0.004 * random.unit() * random.unit() * random.unit());
        let points: Vec<Point> = (0..7)
            .map(|i| {
                let angle = i as f32 / 7.0 * TURN;
                let r = size * random.range(0.5, 1.4);
                (at.0 + cos(angle) * r, at.1 + sin(angle) * r)
            })
            .collect();
        canvas.glaze(
            &Path::polygon(&points),
            gold.scale(random.range(0.8, 1.3)),
            0.9,
        );
    }
}

fn ribbons(canvas: &mut Canvas, colors: &[Color], random: &mut Random) {
    let (width, height) = canvas.size();
    let unit = canvas.unit();
    let first = colors[0];
    let last = colors[colors.len() - 1];
    canvas.each(|x, y, _| last.mix(first, 0.75 * (y / height) + 0.12 * (x / width)));
    let layers = 13;
    for layer in 0..layers {
        let t = (layer as f32 + 0.5) / layers as f32;
        let seed = random.field();
        let swing = unit * random.range(0.1, 0.2);
        let scale = random.range(0.7, 1.3) / unit;
        let base = height * lerp(0.12, 1.02, t);
        let lean = random.range(-0.14, 0.14);
        let color = gradient(&colors[1..], (t * 1.7 + random.range(-0.1, 0.1)) % 1.0);
        let edge: Vec<f32> = (0..=canvas.width)
            .map(|x| {
                let x = x as f32;
                base + lean * (x - width * 0.5) + (fbm1(x * scale, 3, seed) - 0.5) * swing * 2.6
            })
            .collect();
        let shadow = unit * 0.035;
        let body = unit * 0.24;
        canvas.each(|x, y, under| {
            let depth = y - edge[x as usize];
            if depth < -shadow {
                return under;
            }
            let cast = smoothstep(-shadow, 0.0, depth) * 0.34;
            let under = under.scale(1.0 - cast);
            let cover = (depth + 0.5).clamp(0.0, 1.0);
            let down = (depth / body).clamp(0.0, 1.0);
            let tone = color
                .scale(lerp(1.16, 0.62, down))
                .screen(WHITE, 0.3 * smoothstep(unit * 0.012, 0.0, depth));
            under.mix(tone, cover)
        });
    }
}

fn forms(canvas: &mut Canvas, colors: &[Color], random: &mut Random) {
    let (width, height) = canvas.size();
    let unit = canvas.unit();
    let ground = colors[colors.len() - 1];
    let ink = colors[0];
    let seed = random.field();
    canvas.each(|x, y, _| {
        let uneven = fbm2(x / unit * 4.0, y / unit * 4.0, 3, seed) - 0.5;
        ground.scale(0.97 + uneven * 0.07)
    });
    let body = &colors[1..colors.len() - 1];
    let focus = (
        width * random.range(0.36, 0.64),
        height * random.range(0.38, 0.6),
    );
    let big = unit * random.range(0.24, 0.31);
    multiply(
        canvas,
        &Path::ellipse(focus.0, focus.1, big, big),
        body[0],
        0.95,
    );
    for index in 0..9 {
        let angle = random.unit() * TURN;
        let away = unit * random.range(0.12, 0.44);
        let at = (focus.0 + cos(angle) * away, focus.1 + sin(angle) * away);
        let size = unit * random.range(0.05, 0.19);
        let color = body[(index + 1) % body.len()].mix(ground, random.range(0.0, 0.25));
        let path = match random.index(4) {
            0 => Path::ellipse(at.0, at.1, size, size),
            1 => half_disc(at, size, random.unit() * TURN),
            2 => turned_rect(at, (size * 1.5, size * random.range(0.25, 0.9)), angle),
            _ => triangle(at, size * 1.25, random.unit() * TURN),
        };
        multiply(canvas, &path, color, 0.9);
    }
    lines(canvas, focus, ink, random);
}

// Rings and rays in the darkest tone hold the forms together.
fn lines(canvas: &mut Canvas, focus: Point, ink: Color, random: &mut Random) {
    let unit = canvas.unit();
    for ring in 0..3 {
        let at = (
            focus.0 + unit * random.range(-0.38, 0.38),
            focus.1 + unit * random.range(-0.36, 0.36),
        );
        let radius = unit * random.range(0.03, 0.1);
        let thick = unit * 0.004;
        canvas.around(at, radius + thick * 2.0, |x, y, under| {
            let off = (length(x - at.0, y - at.1) - radius).abs();
            under.mix(ink, smoothstep(thick, thick * 0.4, off))
        });
        if ring == 0 {
            canvas.fill(
                &Path::ellipse(at.0, at.1, radius * 0.35, radius * 0.35),
                ink,
            );
        }
    }
    for _ in 0..6 {
        let angle = random.unit() * TURN;
        let from = (
            focus.0 + unit * random.range(-0.5, 0.5),
            focus.1 + unit * random.range(-0.5, 0.5),
        );
        let reach = unit * random.range(0.15, 0.6);
        let to = (from.0 + cos(angle) * reach, from.1 + sin(angle) * reach);
        canvas.fill(&Path::line(from, to, unit * 0.006, unit * 0.002), ink);
    }
}

fn multiply(canvas: &mut Canvas, path: &Path, color: Color, alpha: f32) {
    canvas.fill_with(path, alpha, |_, _, under| {
        let both = Color {
            r: color.r * under.r,
            g: color.g * under.g,
            b: color.b * under.b,
        };
        color.mix(both, 0.62)
    });
}

fn half_disc(at: Point, size: f32, turn: f32) -> Path {
    let points: Vec<Point> = (0..=40)
        .map(|i| {
            let angle = turn + i as f32 / 40.0 * TURN * 0.5;
            (at.0 + cos(angle) * size, at.1 + sin(angle) * size)
        })
        .collect();
    Path::polygon(&points)
}

fn turned_rect(at: Point, half: Point, turn: f32) -> Path {
    Path::rect(-half.0, -half.1, half.0 * 2.0, half.1 * 2.0).map(|(x, y)| {
        (
            at.0 + x * cos(turn) - y * sin(turn),
            at.1 + x * sin(turn) + y * cos(turn),
        )
    })
}

fn triangle(at: Point, size: f32, turn: f32) -> Path {
    let points: Vec<Point> = (0..3)
        .map(|i| {
            let angle = turn + i as f32 / 3.0 * TURN;
            (at.0 + cos(angle) * size, at.1 + sin(angle) * size)
        })
        .collect();
    Path::polygon(&points)
}
