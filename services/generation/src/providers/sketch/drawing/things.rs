//! What stands in a landscape: houses, castles, lighthouses, boats, balloons, bridges, people.

use super::canvas::Canvas;
use super::color::{Color, WHITE, hex};
use super::math::{fade, length, lerp, smoothstep, wave};
use super::path::{Path, Point, Stand};
use super::random::Random;
use super::stage::Stage;
use super::words::Thing;

/// Light around a lamp.
pub fn halo(canvas: &mut Canvas, at: Point, size: f32, color: Color, strength: f32) {
    canvas.around(at, size * 4.0, |x, y, under| {
        let distance = length(x - at.0, y - at.1) / size;
        under.screen(color, strength * fade(distance * 1.6))
    });
}

/// Paints a house with a gabled roof; its door faces us.
pub fn house(canvas: &mut Canvas, stage: &Stage, stand: Stand, wall: Color, random: &mut Random) {
    let palette = stage.palette;
    let roof = palette.accent(1 + random.index(4)).scale(0.72).mix(palette.ink, 0.12);
    let dark = stage.is_dark();
    let mut put = |text: &str, color: Color| canvas.fill(&Path::read(text).stand(stand), color);
    put("M 70 20 L 78 20 L 78 46 L 70 46 Z", roof.scale(0.8));
    put("M 12 52 L 88 52 L 88 100 L 12 100 Z", wall);
    put("M 88 52 L 88 100 L 76 100 L 76 52 Z", wall.scale(0.86));
    put("M 4 56 L 26 22 L 74 22 L 96 56 Z", roof);
    if stage.scene.is_white() {
        put("M 4 56 L 26 22 L 74 22 L 96 56 L 88 56 L 72 30 L 28 30 L 12 56 Z", palette.snow);
        put("M 69 17 L 79 17 L 79 22 L 69 22 Z", palette.snow);
    }
    put("M 44 70 L 57 70 L 57 100 L 44 100 Z", roof.scale(0.7));
    let glass = if dark { palette.lamp } else { palette.sky[1].scale(0.72) };
    for x in [20.0, 66.0] {
        put(&format!("M {x} 64 L {} 64 L {} 80 L {x} 80 Z", x + 14.0, x + 14.0), glass);
        let bar = x + 6.3;
        put(&format!("M {bar} 64 L {} 64 L {} 80 L {bar} 80 Z", bar + 1.4, bar + 1.4), wall.scale(0.7));
    }
    if dark {
        for x in [27.0, 73.0] {
            halo(canvas, stand.place((x, 72.0)), stand.height * 0.16, palette.lamp, 0.5);
        }
    }
    smoke(canvas, stage, stand.place((74.0, 18.0)), stand.height, random);
}

fn smoke(canvas: &mut Canvas, stage: &Stage, from: Point, height: f32, random: &mut Random) {
    if !(stage.is_dark() || stage.scene.is_white() || random.chance(0.3)) {
        return;
    }
    let lean = random.range(-0.5, 0.5);
    for puff in 0..14 {
        let t = puff as f32 / 13.0;
        let at = (
            from.0 + height * (lean * t * t + 0.05 * wave(t * 1.4)),
            from.1 - height * 0.9 * t,
        );
        let size = height * lerp(0.03, 0.1, t);
        canvas.glaze(&Path::ellipse(at.0, at.1, size, size), stage.palette.haze, 0.17 * (1.0 - t));
    }
}

/// Paints a castle on its rock.
pub fn castle(canvas: &mut Canvas, stage: &Stage, stand: Stand) {
    let palette = stage.palette;
    let wall = palette.far(palette.lit(hex(0xa8_9c90)), 0.25);
    let shade = wall.scale(0.78);
    let roof = palette.far(palette.accent(1), 0.2).scale(0.85);
    let mut put = |text: &str, color: Color| canvas.fill(&Path::read(text).stand(stand), color);
    put("M -14 112 C 0 96 14 88 24 86 L 78 86 C 90 90 104 98 116 112 Z", palette.far(palette.ground.mix(palette.leaf, 0.6), 0.25));
    put("M 22 88 L 22 62 L 78 62 L 78 88 Z", shade);
    for (x, wide, top) in [(16.0, 12.0, 46.0), (36.0, 10.0, 34.0), (50.0, 14.0, 22.0), (72.0, 12.0, 42.0)] {
        let (l, r, m) = (x, x + wide, x + wide * 0.5);
        put(&format!("M {l} 88 L {l} {top} L {r} {top} L {r} 88 Z"), wall);
        put(&format!("M {m} 88 L {m} {top} L {r} {top} L {r} 88 Z"), shade);
        put(&format!("M {} {top} L {m} {} L {} {top} Z", l - 2.0, top - wide * 1.7, r + 2.0), roof);
        put(&format!("M {m} {} L {} {} L {m} {} Z", top - wide * 1.7 - 6.0, m + 6.0, top - wide * 1.7 - 4.0, top - wide * 1.7 - 2.0), palette.accent(0));
    }
    for x in [24.0_f32, 30.0, 46.0, 64.0, 70.0] {
        put(&format!("M {x} 62 L {x} 58.5 L {} 58.5 L {} 62 Z", x + 3.0, x + 3.0), shade);
    }
    put("M 44 88 L 44 78 Q 49 71 54 78 L 54 88 Z", palette.ink);
    let glass = if stage.is_dark() { palette.lamp } else { palette.ink };
    for (x, y) in [(40.0, 44.0), (56.0, 34.0), (56.0, 48.0), (21.0, 56.0), (77.0, 52.0)] {
        put(&format!("M {x} {y} L {} {y} L {} {} L {x} {} Z", x + 2.4, x + 2.4, y + 5.0, y + 5.0), glass);
    }
}

/// Paints a lighthouse on a rock, with its beam when it is dark.
pub fn lighthouse(canvas: &mut Canvas, stage: &Stage, stand: Stand) {
    let palette = stage.palette;
    let lamp = stand.place((50.0, 15.0));
    if stage.is_dark() || stage.scene.has_any(&[Thing::Fog, Thing::Storm, Thing::Dusk]) {
        beam(canvas, stage, lamp);
    }
    let white = palette.lit(hex(0xf2_ece0));
    let red = palette.lit(hex(0xb8_3a32));
    let mut put = |text: &str, color: Color| canvas.fill(&Path::read(text).stand(stand), color);
    put("M 8 104 C 14 92 26 88 36 84 L 64 84 C 76 88 88 92 94 104 Z", palette.stone.scale(0.55));
    put("M 39 86 L 44 24 L 56 24 L 61 86 Z", white);
    for (y, h) in [(34.0_f32, 12.0_f32), (58.0, 13.0)] {
        let half = |y: f32| 6.0 + (y - 24.0) / 62.0 * 5.0;
        let (a, b) = (half(y), half(y + h));
        put(&format!("M {} {y} L {} {y} L {} {} L {} {} Z", 50.0 - a, 50.0 + a, 50.0 + b, y + h, 50.0 - b, y + h), red);
    }
    put("M 51 24 L 56 24 L 61 86 L 52 86 Z", Color { ..palette.ink }.mix(white, 0.72));
    put("M 42 24 L 58 24 L 58 21 L 42 21 Z", palette.ink);
    put("M 46 21 L 54 21 L 54 10 L 46 10 Z", palette.lamp);
    put("M 44 10 L 56 10 L 50 2 Z", red.scale(0.8));
    halo(canvas, lamp, stand.height * 0.09, palette.lamp, 0.9);
}

fn beam(canvas: &mut Canvas, stage: &Stage, lamp: Point) {
    let reach = stage.unit * 0.75;
    let side = if lamp.0 > stage.width * 0.5 { -1.0 } else { 1.0 };
    let cone = Path::polygon(&[
        (lamp.0, lamp.1 - 1.0),
        (lamp.0 + side * reach, lamp.1 - reach * 0.2),
        (lamp.0 + side * reach, lamp.1 + reach * 0.02),
    ]);
    let color = stage.palette.lamp;
    canvas.fill_with(&cone, 1.0, |x, y, under| {
        let distance = length(x - lamp.0, y - lamp.1) / reach;
        under.screen(color, 0.5 * smoothstep(1.0, 0.0, distance))
    });
}

/// Paints a sailing boat on the water.
pub fn boat(canvas: &mut Canvas, stage: &Stage, stand: Stand, sail: Color) {
    let palette = stage.palette;
    let hull = palette.lit(hex(0x5a_3a2c));
    let tone = palette.water.scale(0.6);
    for (grow, alpha) in [(1.0, 0.25), (0.7, 0.3)] {
        let width = stand.height * 0.44 * grow;
        canvas.glaze(&Path::ellipse(stand.at.0, stand.at.1, width, width * 0.1), tone, alpha);
    }
    let mirror = Stand { height: -stand.height * 0.55, ..stand };
    let sails = "M 51 10 C 66 34 76 58 82 80 L 51 80 Z M 48 18 C 44 42 36 62 24 80 L 48 80 Z";
    canvas.glaze(&Path::read(sails).stand(mirror), sail, 0.28);
    let mut put = |text: &str, color: Color| canvas.fill(&Path::read(text).stand(stand), color);
    put("M 49 4 L 50.6 4 L 50.6 88 L 49 88 Z", palette.ink);
    put("M 51 10 C 66 34 76 58 82 80 L 51 80 Z", sail);
    put("M 51 10 C 58 34 60 58 60 80 L 51 80 Z", sail.scale(0.88));
    put("M 48 18 C 44 42 36 62 24 80 L 48 80 Z", sail.mix(WHITE, 0.25));
    put("M 12 84 L 90 82 C 86 92 80 98 76 100 L 26 100 C 20 96 15 90 12 84 Z", hull);
    put("M 12 84 L 90 82 L 88.6 85.6 L 13.6 87.4 Z", palette.lit(hex(0xe8_dcc4)));
}

/// Paints a hot-air balloon.
pub fn balloon(canvas: &mut Canvas, stage: &Stage, stand: Stand, color: Color) {
    let palette = stage.palette;
    let pale = palette.lit(hex(0xf6_ecd6));
    let basket = palette.lit(hex(0x7a_5434));
    let mut put = |text: &str, color: Color| canvas.fill(&Path::read(text).stand(stand), color);
    put("M 40 70 L 44 88 L 44.8 88 L 41.4 70 Z M 60 70 L 56 88 L 55.2 88 L 58.6 70 Z", palette.ink);
    put("M 43 88 L 57 88 L 55.6 98 L 44.4 98 Z", basket);
    put("M 50 0 C 24 0 12 20 14 38 C 16 52 30 62 38 74 L 62 74 C 70 62 84 52 86 38 C 88 20 76 0 50 0 Z", color);
    put("M 50 0 C 34 2 28 22 29 38 C 30 52 38 62 43 74 L 50 74 Z", pale);
    put("M 50 0 C 46 2 44 22 44 38 C 44 52 46 62 48 74 L 52 74 C 54 62 56 52 56 38 C 56 22 54 2 50 0 Z", color.scale(0.92));
    put("M 50 0 C 66 2 72 22 71 38 C 70 52 62 62 57 74 L 52 74 C 54 62 56 52 56 38 C 56 22 54 2 50 0 Z", pale.scale(0.94));
    let shade = Path::read("M 50 0 C 76 0 88 20 86 38 C 84 52 70 62 62 74 L 54 74 C 68 60 76 40 50 0 Z");
    canvas.glaze(&shade.stand(stand), palette.ink, 0.16);
}

/// Paints a bridge of stone arches over the water.
pub fn bridge(canvas: &mut Canvas, stage: &Stage) {
    let palette = stage.palette;
    let wall = palette.far(palette.lit(hex(0x9a_8c7e)), 0.2);
    let (deck, foot) = (stage.horizon - stage.unit * 0.075, stage.horizon + stage.unit * 0.012);
    let arches = (stage.width / (stage.unit * 0.24)).ceil().max(2.0) as usize;
    let span = stage.width / arches as f32;
    let mut path = Path::rect(-2.0, deck - stage.unit * 0.022, stage.width + 4.0, stage.unit * 0.022);
    for arch in 0..arches {
        let x = arch as f32 * span;
        let rise = foot - deck;
        let mut points = vec![(x, deck), (x, foot), (x + span * 0.1, foot)];
        for step in 0..=16 {
            let t = step as f32 / 16.0;
            points.push((x + span * (0.1 + 0.8 * t), foot - rise * 0.82 * wave(t * 0.5)));
        }
        points.extend([(x + span * 0.9, foot), (x + span, foot), (x + span, deck)]);
        path = path.and(Path::polygon(&points));
    }
    canvas.fill_with(&path, 1.0, |_, y, _| {
        wall.scale(lerp(1.05, 0.7, ((y - deck) / (foot - deck)).clamp(0.0, 1.0)))
    });
}

/// Paints somebody standing, seen from behind, with an umbrella when it rains.
pub fn person(canvas: &mut Canvas, stage: &Stage, stand: Stand, coat: Color) {
    let palette = stage.palette;
    let dark = palette.ink;
    super::beasts::shadow(canvas, palette, stand, 16.0);
    let mut put = |text: &str, color: Color| canvas.fill(&Path::read(text).stand(stand), color);
    put("M 43 70 L 42 98 L 39 100 L 48 100 L 49 72 Z M 57 70 L 58 98 L 61 100 L 52 100 L 51 72 Z", dark);
    put("M 50 26 C 41 27 38 33 37 44 L 33 78 C 42 83 58 83 67 78 L 63 44 C 62 33 59 27 50 26 Z", coat);
    put("M 50 26 C 59 27 62 33 63 44 L 67 78 C 62 81 56 82 51 82 Z", coat.scale(0.82));
    put("M 38 36 C 32 46 31 56 33 62 L 37 61 C 36 54 38 48 41 42 Z", coat.scale(0.9));
    put("M 50 10 C 43 10 41 15 42 21 C 43 26 46 28 50 28 C 54 28 57 26 58 21 C 59 15 57 10 50 10 Z", dark.mix(coat, 0.12));
    put("M 43 25 C 46 30 54 30 57 25 L 59 31 C 54 35 46 35 41 31 Z", palette.accent(1));
    let wet = stage.scene.has_any(&[Thing::Rain, Thing::Storm, Thing::Umbrella]);
    if wet {
        put("M 62 8 L 63.2 8 L 63.2 56 L 62 56 Z", dark);
        put("M 30 10 C 34 -10 54 -18 62.6 -18 C 72 -18 92 -10 96 10 Q 90 5 84 10 Q 78 5 72 10 Q 66 5 60 10 Q 54 5 48 10 Q 40 5 30 10 Z", palette.lit(hex(0xc8_3c34)));
        put("M 62.6 -18 C 72 -18 92 -10 96 10 Q 90 5 84 10 Q 78 5 72 10 C 72 0 68 -12 62.6 -18 Z", palette.lit(hex(0x96_2824)));
    }
}
