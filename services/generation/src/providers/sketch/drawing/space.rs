//! Space: a deep sky with a nebula, stars near and far, planets, a rocket.

use super::canvas::Canvas;
use super::clouds::Field;
use super::color::{BLACK, Color, WHITE, gradient, hex};
use super::math::{fade, length, lerp, smoothstep};
use super::noise::{fbm1, fbm2};
use super::path::{Path, Point, Stand};
use super::random::Random;
use super::scene::Scene;
use super::sky::star;
use super::words::Thing;

/// Paints a scene in space.
pub fn paint(canvas: &mut Canvas, scene: &Scene) {
    let mut random = scene.random.part("space");
    let colors = hues(scene);
    nebula(canvas, &colors, &mut random);
    let (width, height) = canvas.size();
    let unit = canvas.unit();
    let count = (width * height / (unit * unit) * 900.0) as usize;
    for _ in 0..count {
        let bright = random.unit() * random.unit();
        let at = (random.range(0.0, width), random.range(0.0, height));
        star(
            canvas,
            at,
            unit * (0.0005 + 0.0017 * bright),
            0.25 + 0.75 * bright,
        );
    }
    for _ in 0..7 {
        let at = (random.range(0.0, width), random.range(0.0, height));
        spark(canvas, at, unit * random.range(0.012, 0.03), colors[2]);
    }
    let side = if random.chance(0.5) { 0.36 } else { 0.64 };
    let at = (width * side, height * random.range(0.42, 0.6));
    let rocket = scene.has(Thing::Rocket);
    planet(
        canvas,
        at,
        unit * random.range(0.2, 0.27),
        &colors,
        &mut random,
    );
    let moon = (width * (1.0 - side), height * random.range(0.16, 0.3));
    let mut small = random.part("moon");
    globe(
        canvas,
        moon,
        unit * 0.055,
        &[hex(0x70_747c), hex(0xc8_c6c0)],
        5.0,
        &mut small,
    );
    if rocket {
        rocket_ship(
            canvas,
            (width * (1.0 - side * 0.9), height * 0.72),
            unit * 0.3,
        );
    }
}

fn hues(scene: &Scene) -> Vec<Color> {
    let mut random = Random::new(scene.character).part("hues");
    let named = &scene.reading.colors;
    let sets = [
        [0x24_1a52, 0x8a_3a86, 0xf0_9a7c],
        [0x10_2a50, 0x1f_7a8c, 0xa0_e8d0],
        [0x2a_1438, 0xb0_3a5a, 0xfc_c070],
        [0x14_1c48, 0x4a_54c0, 0xc0_b4f8],
    ];
    let mut colors: Vec<Color> = sets[random.index(sets.len())].map(hex).to_vec();
    for (place, color) in [1, 2, 0].into_iter().zip(named) {
        colors[place] = *color;
    }
    colors
}

fn nebula(canvas: &mut Canvas, colors: &[Color], random: &mut Random) {
    let (width, height) = canvas.size();
    let unit = canvas.unit();
    let seed = random.field();
    let scale = 2.1 / unit;
    let step = (unit / 300.0).max(2.0);
    let warp = |x: f32, y: f32| fbm2(x * scale * 0.8, y * scale * 0.8, 3, seed ^ 1) * 2.2;
    let gas = Field::new(width, height, step, |x, y| {
        let bend = warp(x, y);
        fbm2(x * scale + bend, y * scale - bend, 5, seed)
    });
    let lane = Field::new(width, height, step, |x, y| {
        fbm2(x * scale * 1.6 + warp(x, y), y * scale * 1.6, 4, seed ^ 2)
    });
    let (a, b) = (random.range(-0.6, 0.6), random.range(0.35, 0.65));
    let night = colors[0].mix(BLACK, 0.72);
    canvas.each(|x, y, _| {
        let band = (y / height - b - a * (x / width - 0.5)).abs();
        let density = gas.at(x, y) * (0.55 + 0.75 * fade(band * 4.2));
        let dust = smoothstep(0.5, 0.72, lane.at(x, y));
        let glow = smoothstep(0.34, 0.86, density) * (1.0 - 0.75 * dust);
        night
            .screen(colors[0], 0.55 * smoothstep(0.2, 0.6, density))
            .screen(colors[1], glow * 0.62)
            .screen(colors[2], smoothstep(0.55, 1.0, glow) * 0.42)
    });
}

fn spark(canvas: &mut Canvas, at: Point, size: f32, hue: Color) {
    star(canvas, at, size * 0.16, 1.0);
    canvas.around(at, size * 1.4, |x, y, color| {
        let (u, v) = ((x - at.0).abs() / size, (y - at.1).abs() / size);
        let cross = fade(u * 4.0 + v * 46.0) + fade(v * 4.0 + u * 46.0);
        color.screen(WHITE.mix(hue, 0.3), cross.min(1.0) * 0.9)
    });
}

fn planet(canvas: &mut Canvas, at: Point, radius: f32, colors: &[Color], random: &mut Random) {
    let ringed = random.chance(0.75);
    let bands = [
        colors[1].mix(colors[0], 0.4),
        colors[1],
        colors[2].mix(WHITE, 0.25),
        colors[2].mix(colors[1], 0.5),
        colors[1].mix(colors[0], 0.3),
    ];
    let tilt = random.range(-0.45, 0.45);
    canvas.around(at, radius * 2.2, |x, y, color| {
        let away = length(x - at.0, y - at.1) / radius - 1.0;
        color.screen(colors[2], 0.34 * fade(away.max(0.0) * 7.0))
    });
    let seed = random.field();
    if ringed {
        rings(canvas, at, radius, (tilt, colors[2], seed), false);
    }
    globe(canvas, at, radius, &bands, 1.0, random);
    if ringed {
        rings(canvas, at, radius, (tilt, colors[2], seed), true);
    }
}

fn globe(
    canvas: &mut Canvas,
    at: Point,
    radius: f32,
    bands: &[Color],
    rough: f32,
    random: &mut Random,
) {
    let seed = random.field();
    let stripes = random.range(1.3, 2.2);
    canvas.fill_with(
        &Path::ellipse(at.0, at.1, radius, radius),
        1.0,
        |x, y, _| {
            let (u, v) = ((x - at.0) / radius, (y - at.1) / radius);
            let z = (1.0 - u * u - v * v).max(0.0).sqrt();
            let swirl = fbm2(u * 2.2 * rough + 5.0, v * 5.0, 4, seed) - 0.5;
            let t = if rough > 1.0 {
                0.5 + swirl * 1.6
            } else {
                v * stripes * 0.5 + 0.5 + swirl * 0.5
            };
            let body = gradient(bands, t);
            let lit = smoothstep(-0.25, 0.85, -0.62 * u - 0.5 * v + 0.55 * z);
            let rim = smoothstep(0.45, 0.0, z) * 0.35 * lit;
            body.scale(lerp(0.06, 1.1, lit))
                .screen(bands[bands.len() / 2], rim)
        },
    );
}

fn rings(canvas: &mut Canvas, at: Point, radius: f32, look: (f32, Color, u32), front: bool) {
    let (tilt, color, seed) = look;
    let flat = 0.27;
    canvas.around(at, radius * 2.2, |x, y, under| {
        let (dx, dy) = (x - at.0, y - at.1);
        let (u, v) = (dx + dy * tilt, dy - dx * tilt);
        if (v > 0.0) != front {
            return under;
        }
        let r = length(u, v / flat) / (radius * (1.0 + tilt * tilt).sqrt());
        let edge = smoothstep(1.28, 1.32, r) * smoothstep(2.06, 2.0, r);
        if edge <= 0.0 {
            return under;
        }
        let grooves = smoothstep(0.32, 0.55, fbm1(r * 26.0, 3, seed));
        let shadowed = if !front && u > 0.0 && r < 1.7 {
            0.4
        } else {
            1.0
        };
        under.mix(
            color.mix(WHITE, 0.25).scale(shadowed),
            edge * (0.25 + 0.6 * grooves),
        )
    });
}

fn rocket_ship(canvas: &mut Canvas, at: Point, height: f32) {
    let stand = Stand::new(at, height);
    // It flies upwards to the right.
    let turned = |text: &str| {
        Path::read(text)
            .map(|(x, y)| {
                let (u, v) = (x - 50.0, y - 50.0);
                (50.0 + u * 0.82 - v * 0.57, 50.0 + u * 0.57 + v * 0.82)
            })
            .stand(stand)
    };
    let plume = stand.place((23.0, 90.0));
    super::things::halo(canvas, plume, height * 0.22, hex(0xff_9a40), 0.8);
    let mut put = |text: &str, color: Color| canvas.fill(&turned(text), color);
    put(
        "M 42 84 C 40 104 46 120 50 132 C 54 120 60 104 58 84 Z",
        hex(0xff_8a3c),
    );
    put(
        "M 45 84 C 44 98 48 108 50 116 C 52 108 56 98 55 84 Z",
        hex(0xff_e8b0),
    );
    put(
        "M 36 56 C 24 66 22 80 24 92 L 38 80 Z M 64 56 C 76 66 78 80 76 92 L 62 80 Z",
        hex(0xc8_4238),
    );
    put(
        "M 50 0 C 38 14 34 34 35 56 C 36 70 38 78 41 85 L 59 85 C 62 78 64 70 65 56 C 66 34 62 14 50 0 Z",
        hex(0xec_e8e0),
    );
    put(
        "M 50 0 C 62 14 66 34 65 56 C 64 70 62 78 59 85 L 52 85 C 56 60 56 24 50 0 Z",
        hex(0xbc_bcc4),
    );
    put(
        "M 50 0 C 45 6 41 13 38.5 21 L 61.5 21 C 59 13 55 6 50 0 Z",
        hex(0xc8_4238),
    );
    let mut pane = |radius: f32, color: Color| {
        let window = Path::ellipse(50.0, 40.0, radius, radius).map(|(x, y)| {
            let (u, v) = (x - 50.0, y - 50.0);
            (50.0 + u * 0.82 - v * 0.57, 50.0 + u * 0.57 + v * 0.82)
        });
        canvas.fill(&window.stand(stand), color);
    };
    pane(8.0, hex(0x5a_626e));
    pane(6.0, hex(0x7a_c4dc));
}
