//! Towns and cities: rows of gabled houses up a slope, and towers with lit windows.

use super::canvas::Canvas;
use super::color::{Color, hex};
use super::math::lerp;
use super::noise::fbm1;
use super::path::{Path, Point};
use super::random::Random;
use super::stage::Stage;
use super::things::halo;
use super::words::Thing;

/// Paints a town: rows of houses, farther ones higher up, and a steeple.
pub fn town(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("town");
    let rows = 4;
    let slope = random.field();
    for row in 0..rows {
        let near = row as f32 / (rows - 1) as f32;
        let size = stage.unit * lerp(0.055, 0.115, near);
        let lift = stage.unit * 0.2 * (1.0 - near);
        let mut x = -size * random.unit();
        let steeple = stage.width * random.range(0.3, 0.7);
        let mut has_steeple = row != 1;
        while x < stage.width + size {
            let wide = size * random.range(0.62, 1.05);
            let rise = lift * (0.35 + 1.1 * fbm1(x / stage.unit * 1.7, 2, slope));
            let foot = (x, stage.horizon - rise + 1.0);
            if !has_steeple && x > steeple {
                tower(canvas, stage, foot, size, 1.0 - near);
                has_steeple = true;
            }
            let tall = size * random.range(0.75, 1.5);
            facade(canvas, stage, (foot, wide, tall), 1.0 - near, &mut random);
            x += wide * random.range(0.9, 1.06);
        }
    }
    quay(canvas, stage);
}

fn facade(
    canvas: &mut Canvas,
    stage: &Stage,
    (foot, wide, tall): (Point, f32, f32),
    distance: f32,
    random: &mut Random,
) {
    let palette = stage.palette;
    let haze = 0.08 + 0.42 * distance;
    let wall = palette.far(palette.accent(random.index(palette.accents.len())), haze);
    let roof = palette
        .far(palette.lit(hex(0x8a_4636)), haze * 0.9)
        .scale(random.range(0.75, 1.0));
    let roof = if stage.scene.is_white() {
        palette.far(palette.snow, haze * 0.5)
    } else {
        roof
    };
    let (x, y) = foot;
    let down = stage.unit * 0.2 * distance;
    canvas.fill_with(
        &Path::rect(x, y - tall, wide, tall + down),
        1.0,
        |px, py, _| {
            let side = if px > x + wide * 0.82 { 0.9 } else { 1.0 };
            wall.scale(side * lerp(1.03, 0.86, ((py - y + tall) / tall).clamp(0.0, 1.0)))
        },
    );
    let pitch = wide * random.range(0.38, 0.62);
    let eave = wide * 0.05;
    let gable = random.chance(0.6);
    let crown = if gable {
        vec![
            (x - eave, y - tall + 1.0),
            (x + wide * 0.5, y - tall - pitch),
            (x + wide + eave, y - tall + 1.0),
        ]
    } else {
        let inset = wide * 0.2;
        vec![
            (x - eave, y - tall + 1.0),
            (x + inset, y - tall - pitch * 0.7),
            (x + wide - inset, y - tall - pitch * 0.7),
            (x + wide + eave, y - tall + 1.0),
        ]
    };
    if random.chance(0.5) {
        let cx = x + wide * random.range(0.62, 0.76);
        canvas.fill(
            &Path::rect(cx, y - tall - pitch * 0.8, wide * 0.09, pitch * 0.8),
            roof.scale(0.7),
        );
    }
    canvas.fill(&Path::polygon(&crown), roof);
    windows(canvas, stage, (foot, wide, tall), haze, random);
}

fn windows(
    canvas: &mut Canvas,
    stage: &Stage,
    (foot, wide, tall): (Point, f32, f32),
    haze: f32,
    random: &mut Random,
) {
    let palette = stage.palette;
    let dark = stage.is_dark();
    let columns = if wide > stage.unit * 0.07 { 3 } else { 2 };
    let rows = (tall / wide * 2.4).clamp(1.0, 4.0) as usize;
    let (w, h) = (wide / columns as f32 * 0.42, tall / rows as f32 * 0.46);
    for row in 0..rows {
        for column in 0..columns {
            let x = foot.0 + wide * (column as f32 + 0.5) / columns as f32 - w * 0.5;
            let y = foot.1 - tall + tall * (row as f32 + 0.32) / rows as f32;
            let lit = dark && random.chance(0.62);
            let warm = palette.lamp.mix(hex(0xff_a850), random.unit() * 0.5);
            let glass = if lit {
                warm
            } else {
                palette.far(palette.sky[0].scale(0.6), haze)
            };
            canvas.fill(&Path::rect(x, y, w, h), glass);
            if lit && haze < 0.3 {
                halo(canvas, (x + w * 0.5, y + h * 0.5), w * 1.5, warm, 0.3);
            }
        }
    }
}

fn tower(canvas: &mut Canvas, stage: &Stage, foot: Point, size: f32, distance: f32) {
    let palette = stage.palette;
    let wall = palette.far(palette.lit(hex(0xd8_cbb4)), 0.1 + 0.42 * distance);
    let roof = palette.far(palette.lit(hex(0x4a_5a6a)), 0.1 + 0.4 * distance);
    let (x, y) = foot;
    let (wide, tall) = (size * 0.42, size * 2.3);
    canvas.fill(
        &Path::rect(x, y - tall, wide, tall + stage.unit * 0.08),
        wall,
    );
    canvas.fill(
        &Path::rect(x + wide * 0.6, y - tall, wide * 0.4, tall),
        wall.scale(0.88),
    );
    let eave = wide * 0.12;
    canvas.fill(
        &Path::polygon(&[
            (x - eave, y - tall),
            (x + wide * 0.5, y - tall - size * 1.2),
            (x + wide + eave, y - tall),
        ]),
        roof,
    );
    let face = (x + wide * 0.5, y - tall + wide * 0.5);
    let glow = if stage.is_dark() {
        palette.lamp
    } else {
        palette.snow
    };
    canvas.fill(
        &Path::ellipse(face.0, face.1, wide * 0.24, wide * 0.24),
        glow,
    );
}

// The wall along the water, with lamps.
fn quay(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("quay");
    let palette = stage.palette;
    let thick = stage.unit * 0.016;
    let wall = palette.lit(hex(0x6e_665e)).mix(palette.ink, 0.3);
    canvas.fill(
        &Path::rect(0.0, stage.horizon - thick, stage.width, thick),
        wall,
    );
    if !stage.is_dark() {
        return;
    }
    let mut x = stage.unit * random.range(0.03, 0.1);
    while x < stage.width {
        let top = (x, stage.horizon - thick - stage.unit * 0.06);
        canvas.fill(
            &Path::line(
                (x, stage.horizon - thick),
                top,
                stage.unit * 0.003,
                stage.unit * 0.002,
            ),
            palette.ink,
        );
        canvas.fill(
            &Path::ellipse(top.0, top.1, stage.unit * 0.005, stage.unit * 0.005),
            palette.lamp,
        );
        halo(canvas, top, stage.unit * 0.022, palette.lamp, 0.8);
        x += stage.unit * random.range(0.13, 0.2);
    }
}

/// Paints a skyline in three depths.
pub fn city(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("city");
    let depths = 4;
    if stage.is_dark() {
        glow(canvas, stage);
    }
    for depth in 0..depths {
        let near = (depth as f32 + 0.3) / depths as f32;
        let foot = stage.horizon + stage.unit * 0.004;
        let tallest = stage.horizon * lerp(0.62, 0.42, near);
        let mut x = -stage.unit * 0.05 * random.unit();
        let hub = stage.width * random.range(0.3, 0.7);
        while x < stage.width {
            let wide = stage.unit * lerp(0.04, 0.1, near) * random.range(0.7, 1.4);
            let off = ((x - hub) / stage.width).abs();
            let tall = tallest * (1.0 - off * 0.9) * random.range(0.35, 1.0);
            block(
                canvas,
                stage,
                (x, foot - tall, wide, tall),
                1.0 - near,
                &mut random,
            );
            x += wide * random.range(0.8, 1.3);
        }
    }
    if !stage.scene.is_water() {
        street(canvas, stage);
    }
}

fn block(
    canvas: &mut Canvas,
    stage: &Stage,
    (x, top, wide, tall): (f32, f32, f32, f32),
    distance: f32,
    random: &mut Random,
) {
    let palette = stage.palette;
    let own = palette
        .stone
        .mix(palette.accent(random.index(7)), 0.22)
        .scale(random.range(0.62, 0.9));
    let tone = palette.far(
        own.mix(palette.ink, if stage.is_dark() { 0.5 } else { 0.12 }),
        0.06 + 0.62 * distance,
    );
    canvas.fill_with(&Path::rect(x, top, wide, tall), 1.0, |px, py, _| {
        let side = if px > x + wide * 0.66 { 0.86 } else { 1.0 };
        let mist = ((py - top) / tall).clamp(0.0, 1.0) * 0.3 * distance;
        palette.far(tone.scale(side), mist)
    });
    let middle = x + wide * 0.5;
    let crown = match random.index(5) {
        0 => Path::line(
            (middle, top),
            (middle, top - tall * 0.16),
            wide * 0.06,
            wide * 0.01,
        ),
        1 => Path::rect(
            x + wide * 0.2,
            top - wide * 0.3,
            wide * 0.6,
            wide * 0.3 + 1.0,
        ),
        2 => Path::polygon(&[
            (x, top + 0.5),
            (middle, top - wide * 0.7),
            (x + wide, top + 0.5),
        ]),
        _ => Path::default(),
    };
    canvas.fill(&crown, tone);
    panes(
        canvas,
        stage,
        (x, top, wide, tall),
        (tone, distance),
        random,
    );
}

fn panes(
    canvas: &mut Canvas,
    stage: &Stage,
    (x, top, wide, tall): (f32, f32, f32, f32),
    (tone, distance): (Color, f32),
    random: &mut Random,
) {
    let palette = stage.palette;
    let pane = stage.unit * lerp(0.0115, 0.0065, distance);
    let columns = (wide / pane) as usize;
    let rows = (tall / pane * 0.8) as usize;
    let share = if stage.is_dark() { 0.42 } else { 0.0 };
    let cool = hex(0xbf_dcf4);
    for row in 0..rows {
        for column in 0..columns {
            let lit = random.chance(share);
            let tint = random.unit();
            let glass = if lit {
                palette.far(
                    palette
                        .lamp
                        .mix(cool, if tint > 0.75 { 0.8 } else { tint * 0.3 }),
                    distance * 0.5,
                )
            } else {
                tone.scale(if stage.is_dark() { 0.84 } else { 0.8 })
            };
            let px = x + wide * (column as f32 + 0.28) / columns as f32;
            let py = top + tall * (row as f32 + 0.35) / rows as f32;
            canvas.glaze(&Path::rect(px, py, pane * 0.46, pane * 0.56), glass, 0.9);
        }
    }
}

// A city lights the air above it.
fn glow(canvas: &mut Canvas, stage: &Stage) {
    let hue = stage.palette.lamp.mix(hex(0xd8_4a9c), 0.55);
    let reach = stage.horizon * 0.5;
    canvas.rows(0, stage.horizon as usize, |_, y, color| {
        color.screen(
            hue,
            0.42 * super::math::fade((stage.horizon - y) / reach * 2.2),
        )
    });
}

// Without water before it a city stands on a wet street that holds its light.
fn street(canvas: &mut Canvas, stage: &Stage) {
    let palette = stage.palette;
    let above = canvas.clone();
    let wet = stage.is_dark() || stage.scene.has_any(&[Thing::Rain, Thing::Storm]);
    let ground: Color = palette.ground.mix(palette.ink, 0.55);
    let seed = stage.random("street").field();
    let top = stage.horizon as usize;
    let deep = (stage.height - stage.horizon).max(1.0);
    canvas.rows(top, usize::MAX, |x, y, _| {
        let down = (y - stage.horizon) / deep;
        let rough = super::noise::noise2(x / stage.unit * 40.0, y / stage.unit * 160.0, seed) - 0.5;
        let mirror = above.at(
            (x + rough * stage.unit * 0.02) as i32,
            (stage.horizon - (y - stage.horizon) * 1.2) as i32,
        );
        ground
            .mix(mirror, (if wet { 0.5 } else { 0.14 }) * (1.0 - down * 0.6))
            .scale(1.0 + rough * 0.1)
    });
}
