//! Still lifes: a table before a wall, light from one side, and what lies on it.

use super::canvas::Canvas;
use super::color::{Color, WHITE, hex};
use super::flowers;
use super::math::{fade, length, lerp, smoothstep, wave};
use super::noise::{fbm2, noise2};
use super::palette::Palette;
use super::path::{Path, Point, Stand};
use super::random::Random;
use super::scene::{Scene, Time};
use super::words::Thing;

/// Paints a still life.
pub fn paint(canvas: &mut Canvas, scene: &Scene, palette: &Palette) {
    let mut random = scene.random.part("table");
    let (width, height) = canvas.size();
    let unit = canvas.unit();
    let edge = height * random.range(0.56, 0.62);
    room(canvas, scene, palette, edge, &mut random);
    let middle = (width * 0.5, edge + (height - edge) * 0.48);
    let fruit = [Thing::Lemon, Thing::Orange, Thing::Apple, Thing::Pear, Thing::Cherry];
    let mut fruits: Vec<Thing> = fruit.into_iter().filter(|one| scene.has(*one)).collect();
    if fruits.is_empty() && scene.has_any(&[Thing::Bowl, Thing::StillLife]) {
        fruits = vec![Thing::Apple, Thing::Lemon, Thing::Orange, Thing::Pear];
    }
    let aside = width.min(unit * 1.3) * 0.3;
    let has_vase = scene.has_any(&[Thing::Vase, Thing::Flower]);
    let has_bowl = scene.has(Thing::Bowl) || (!fruits.is_empty() && scene.has(Thing::StillLife));
    let shared = has_vase && (has_bowl || scene.has(Thing::Cup));
    if has_vase {
        let x = if shared { middle.0 - aside * 0.75 } else { middle.0 };
        vase(canvas, scene, palette, (x, middle.1 - unit * 0.02), unit * if shared { 0.85 } else { 1.0 });
    }
    if scene.has(Thing::Candle) {
        let x = middle.0 + aside * if shared { 1.25 } else { 0.95 };
        candle(canvas, palette, (x, middle.1), unit);
    }
    if scene.has(Thing::Cup) {
        let x = if has_bowl || has_vase { middle.0 + aside * 0.7 } else { middle.0 };
        cup(canvas, palette, (x, middle.1 + unit * 0.06), unit * if shared { 0.75 } else { 1.0 });
    }
    if has_bowl {
        let x = if shared { middle.0 + aside * 0.45 } else { middle.0 };
        bowl(canvas, palette, &fruits, (x, middle.1), unit * if shared { 0.8 } else { 1.0 }, &mut random);
    }
    let loose = if has_bowl { 2 } else { 5 };
    for index in 0..if fruits.is_empty() { 0 } else { loose } {
        let t = (index as f32 + 0.5) / loose as f32 - 0.5;
        let spread = if has_bowl { 1.0 } else { 0.72 };
        let at = (
            middle.0 + t * unit * spread * 1.1 + unit * random.range(-0.02, 0.02),
            middle.1 + unit * (0.09 + random.range(-0.03, 0.05)),
        );
        let size = unit * random.range(0.078, 0.09) * if has_bowl { 1.0 } else { 1.35 };
        drop_shadow(canvas, palette, (at.0, at.1 + size * 0.8), size * 1.25);
        one_fruit(canvas, palette, fruits[index % fruits.len()], at, size, &mut random);
    }
}

fn room(canvas: &mut Canvas, scene: &Scene, palette: &Palette, edge: f32, random: &mut Random) {
    let (width, height) = canvas.size();
    let unit = canvas.unit();
    let dark = scene.time == Time::Night || scene.has_any(&[Thing::Dark, Thing::Candle]);
    let walls = [0x8f_a7a4, 0xc9_a48a, 0x6f_8496, 0xb8_ab92, 0x7d_8f74];
    let named = scene.reading.colors.first().copied();
    let wall = named.map_or(hex(walls[random.index(walls.len())]), |color| color.mix(hex(0xcf_c4b2), 0.3));
    let wall = if dark { wall.scale(0.32) } else { wall };
    let wood = palette.lit(hex(0xa8_7448)).scale(if dark { 0.55 } else { 1.0 });
    let cloth = random.chance(0.35);
    let table = if cloth { palette.lit(hex(0xe9_e0d0)).scale(if dark { 0.5 } else { 1.0 }) } else { wood };
    let seed = random.field();
    let lamp = (width * 0.16, height * 0.08);
    canvas.each(|x, y, _| {
        let light = fade(length(x - lamp.0, y - lamp.1) / unit * 1.1);
        let uneven = (fbm2(x / unit * 5.0, y / unit * 5.0, 3, seed) - 0.5) * 0.09;
        if y < edge {
            let below = smoothstep(edge - unit * 0.2, edge, y) * 0.12;
            return wall.scale(0.74 + 0.5 * light + uneven - below);
        }
        let down = (y - edge) / (height - edge);
        let grain = if cloth {
            noise2(x / unit * 3.0, y / unit * 5.0, seed) * 0.1
        } else {
            // Boards run across; their lines close up towards the far edge.
            let row = down.sqrt() * 4.0;
            let line = smoothstep(0.06, 0.0, (row - row.floor()).min(1.0 - row + row.floor()));
            fbm2(x / unit * 3.0, down * 60.0, 3, seed) * 0.22 - line * 0.3
        };
        table.scale(0.7 + 0.42 * light + 0.1 * down + grain)
    });
}

fn drop_shadow(canvas: &mut Canvas, palette: &Palette, at: Point, reach: f32) {
    for (grow, alpha) in [(1.25, 0.1), (1.05, 0.13), (0.88, 0.18), (0.7, 0.25)] {
        let path = Path::ellipse(at.0 + reach * 0.28, at.1, reach * grow, reach * 0.28 * grow);
        canvas.glaze(&path, palette.ink, alpha);
    }
}

/// A body lit from the upper left: light, core, shade and the light thrown back by the table.
fn round(canvas: &mut Canvas, path: &Path, at: Point, radius: Point, color: Color, gloss: f32) {
    canvas.fill_with(path, 1.0, |x, y, _| {
        let (u, v) = ((x - at.0) / radius.0, (y - at.1) / radius.1);
        let toward = -0.55 * u - 0.65 * v;
        let body = lerp(0.52, 1.08, smoothstep(-0.75, 0.7, toward));
        let back = smoothstep(0.6, 1.1, v) * 0.14;
        let shine = smoothstep(0.34, 0.04, length(u + 0.36, v + 0.42)) * gloss;
        color.scale(body + back).screen(WHITE, shine)
    });
}

fn one_fruit(canvas: &mut Canvas, palette: &Palette, fruit: Thing, at: Point, size: f32, random: &mut Random) {
    let lit = |code: u32| palette.lit(hex(code));
    let stand = Stand { at: (at.0, at.1 + size), height: size * 2.0, flip: random.chance(0.5) };
    let shape = |text: &str| Path::read(text).stand(stand);
    let leaf = lit(0x5a_8440);
    match fruit {
        Thing::Lemon => {
            let outline = shape("M -6 52 C -2 46 2 42 8 34 C 18 18 34 12 50 12 C 66 12 82 18 92 34 C 98 42 102 46 106 52 C 102 56 98 60 92 68 C 82 86 66 92 50 92 C 34 92 18 86 8 68 C 2 60 -2 56 -6 52 Z");
            round(canvas, &outline, at, (size, size * 0.85), lit(0xf2_cf32), 0.5);
            pores(canvas, at, size, lit(0xc8_9c18), random);
        }
        Thing::Orange => {
            round(canvas, &Path::ellipse(at.0, at.1, size, size * 0.96), at, (size, size), lit(0xee_8628), 0.4);
            pores(canvas, at, size, lit(0xb8_5a10), random);
            let stem = stand.place((50.0, 12.0));
            canvas.fill(&Path::ellipse(stem.0, stem.1, size * 0.08, size * 0.05), leaf.scale(0.7));
        }
        Thing::Pear => {
            let outline = shape("M 50 -26 C 40 -26 36 -14 34 0 C 30 20 8 34 8 62 C 8 88 28 100 50 100 C 72 100 92 88 92 62 C 92 34 70 20 66 0 C 64 -14 60 -26 50 -26 Z");
            round(canvas, &outline, (at.0, at.1 + size * 0.1), (size, size * 1.1), lit(0xb4_b44a), 0.35);
            let (a, b) = (stand.place((50.0, -24.0)), stand.place((56.0, -46.0)));
            canvas.fill(&Path::line(a, b, size * 0.09, size * 0.07), lit(0x5a_4028));
        }
        Thing::Cherry => {
            let top = stand.place((56.0, -40.0));
            for x in [26.0, 74.0] {
                let ball = stand.place((x, 70.0));
                let foot = (ball.0, ball.1 - size * 0.4);
                canvas.fill(&Path::line(foot, top, size * 0.05, size * 0.05), leaf);
                round(canvas, &Path::ellipse(ball.0, ball.1, size * 0.48, size * 0.46), ball, (size * 0.48, size * 0.48), lit(0xb4_1c30), 0.75);
            }
        }
        _ => {
            let outline = shape("M 50 16 C 40 6 6 6 4 46 C 2 76 24 100 40 99 C 46 98 54 98 60 99 C 76 100 98 76 96 46 C 94 6 60 6 50 16 Z");
            round(canvas, &outline, at, (size, size), lit(0xc4_3028), 0.6);
            let (a, b) = (stand.place((50.0, 20.0)), stand.place((56.0, -6.0)));
            canvas.fill(&Path::line(a, b, size * 0.06, size * 0.08), lit(0x4a_3420));
            flowers::leaf(canvas, stand.place((53.0, 6.0)), stand.place((86.0, -8.0)), leaf);
        }
    }
}

fn pores(canvas: &mut Canvas, at: Point, size: f32, tone: Color, random: &mut Random) {
    for _ in 0..46 {
        let (u, v) = (random.range(-0.8, 0.8), random.range(-0.66, 0.66));
        if u * u + v * v < 0.55 {
            let dot = size * 0.018;
            canvas.glaze(&Path::ellipse(at.0 + u * size, at.1 + v * size, dot, dot), tone, 0.3);
        }
    }
}

fn bowl(canvas: &mut Canvas, palette: &Palette, fruits: &[Thing], at: Point, unit: f32, random: &mut Random) {
    let (wide, tall) = (unit * 0.31, unit * 0.2);
    let rim = at.1 - tall * 0.75;
    drop_shadow(canvas, palette, (at.0, at.1 + tall * 0.3), wide * 0.9);
    let glaze = palette.accent(3).mix(hex(0x4a_6e8c), 0.35);
    canvas.fill(&Path::ellipse(at.0, rim, wide, wide * 0.26), glaze.scale(0.5));
    if !fruits.is_empty() {
        let heap = [(-0.52, -0.02), (0.5, -0.03), (0.0, -0.08), (-0.27, -0.32), (0.27, -0.31), (0.0, -0.55), (-0.62, 0.09), (0.6, 0.1), (-0.2, 0.08), (0.22, 0.08)];
        for (index, (u, v)) in heap.into_iter().enumerate() {
            let size = unit * random.range(0.082, 0.094);
            let place = (at.0 + u * wide, rim + v * wide * 0.8);
            one_fruit(canvas, palette, fruits[index % fruits.len()], place, size, random);
        }
    }
    let mut points: Vec<Point> = Vec::new();
    for step in 0..=24 {
        let t = step as f32 / 24.0;
        points.push((at.0 - wide + 2.0 * wide * t, rim + wide * 0.26 * wave(t * 0.5)));
    }
    for step in 0..=24 {
        let t = 1.0 - step as f32 / 24.0;
        let x = at.0 + (2.0 * t - 1.0) * wide;
        let round_off = (1.0 - (2.0 * t - 1.0) * (2.0 * t - 1.0)).max(0.0).sqrt();
        points.push((x, rim + tall * 1.15 * round_off));
    }
    round(canvas, &Path::polygon(&points), (at.0, at.1 - tall * 0.1), (wide, tall), glaze, 0.35);
    let lip = palette.lit(hex(0xf0_ebe0));
    for pair in points[..25].windows(2) {
        canvas.fill(&Path::line(pair[0], pair[1], unit * 0.008, unit * 0.008), lip);
    }
}

fn vase(canvas: &mut Canvas, scene: &Scene, palette: &Palette, at: Point, unit: f32) {
    let mut random = scene.random.part("vase");
    let tall = unit * 0.36;
    let stand = Stand { at: (at.0, at.1 + tall * 0.2), height: tall, flip: false };
    drop_shadow(canvas, palette, stand.at, tall * 0.34);
    let colors = [hex(0xd8_5a48), hex(0xf0_c04c), hex(0xf2_e4dc), hex(0xc8_6a9c), hex(0xe8_8a58)];
    let mouth = stand.place((50.0, 6.0));
    let leaf = palette.lit(hex(0x4e_7a48));
    let heads: Vec<(Point, f32)> = (0..9)
        .map(|index| {
            let spread = (index as f32 - 4.0) / 4.0;
            let x = at.0 + spread * unit * 0.27 + unit * random.range(-0.03, 0.03);
            let lift = 0.34 - 0.17 * spread * spread + random.range(-0.07, 0.07);
            ((x, mouth.1 - unit * lift * 0.9), unit * random.range(0.06, 0.092))
        })
        .collect();
    for (head, size) in &heads {
        canvas.fill(&Path::line(mouth, *head, unit * 0.008, unit * 0.006), leaf.scale(0.8));
        let middle = ((mouth.0 + head.0) * 0.5, (mouth.1 + head.1) * 0.5);
        let side = if random.chance(0.5) { 1.0 } else { -1.0 };
        flowers::leaf(canvas, middle, (middle.0 + side * size * 1.4, middle.1 - size), leaf);
    }
    for (index, (head, size)) in heads.iter().enumerate() {
        let named = &scene.reading.colors;
        let tone = if named.is_empty() { colors[index % colors.len()] } else { named[index % named.len()] };
        flowers::large(canvas, *head, *size, palette.lit(tone), &mut random);
    }
    let body = Path::read("M 36 0 L 64 0 C 62 12 60 18 66 28 C 80 46 82 74 66 98 C 60 101 40 101 34 98 C 18 74 20 46 34 28 C 40 18 38 12 36 0 Z");
    let glaze = palette.lit(hex(0x5a_8090));
    round(canvas, &body.stand(stand), stand.place((50.0, 55.0)), (tall * 0.34, tall * 0.5), glaze, 0.45);
}

fn cup(canvas: &mut Canvas, palette: &Palette, at: Point, unit: f32) {
    let tall = unit * 0.26;
    let stand = Stand { at, height: tall, flip: false };
    let china = palette.lit(hex(0xf0_e8da));
    let middle = stand.place((50.0, 60.0));
    drop_shadow(canvas, palette, (at.0, at.1 + tall * 0.03), tall * 0.72);
    canvas.fill(&Path::ellipse(at.0, at.1, tall * 0.78, tall * 0.16), china.scale(0.78));
    canvas.fill(&Path::ellipse(at.0, at.1 - tall * 0.02, tall * 0.74, tall * 0.14), china);
    canvas.fill(&Path::ellipse(at.0, at.1 - tall * 0.015, tall * 0.42, tall * 0.07), china.scale(0.72));
    let grip = Path::read("M 86 40 C 112 36 116 66 92 76 L 90 70 C 106 62 104 44 87 47 Z").stand(stand);
    canvas.fill(&grip, china.scale(0.9));
    let body = Path::read("M 8 26 C 8 66 22 94 36 97 L 64 97 C 78 94 92 66 92 26 Z").stand(stand);
    round(canvas, &body, middle, (tall * 0.46, tall * 0.5), china, 0.3);
    let rim = stand.place((50.0, 26.0));
    canvas.fill(&Path::ellipse(rim.0, rim.1, tall * 0.42, tall * 0.1), china.mix(WHITE, 0.3));
    canvas.fill(&Path::ellipse(rim.0, rim.1 + tall * 0.008, tall * 0.38, tall * 0.08), palette.lit(hex(0x4a_2c1c)));
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

fn candle(canvas: &mut Canvas, palette: &Palette, at: Point, unit: f32) {
    let tall = unit * 0.3;
    let stand = Stand { at, height: tall, flip: false };
    let wax = palette.lit(hex(0xf0_e2c2));
    drop_shadow(canvas, palette, at, tall * 0.3);
    canvas.fill(&Path::ellipse(at.0, at.1, tall * 0.3, tall * 0.07), palette.lit(hex(0xb0_8a4a)));
    let body = Path::read("M 42 24 L 58 24 L 58 98 Q 50 102 42 98 Z").stand(stand);
    round(canvas, &body, stand.place((50.0, 50.0)), (tall * 0.09, tall * 0.6), wax, 0.2);
    let flame = stand.place((50.0, 8.0));
    super::things::halo(canvas, flame, unit * 0.19, hex(0xff_b050), 0.65);
    let outline = Path::read("M 50 -12 C 56 2 57 10 55 16 C 53 22 47 22 45 16 C 43 10 44 2 50 -12 Z");
    canvas.fill(&outline.stand(stand), hex(0xff_c860));
    let heart = Path::read("M 50 2 C 53 8 54 13 52 17 C 51 20 49 20 48 17 C 46 13 47 8 50 2 Z");
    canvas.fill(&heart.stand(stand), hex(0xff_f4d8));
}
