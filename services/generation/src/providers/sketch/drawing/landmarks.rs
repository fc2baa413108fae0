//! Landmarks: a castle on its rock, a lighthouse with its beam, a bridge of arches.

use super::canvas::Canvas;
use super::color::{Color, hex};
use super::math::{length, lerp, smoothstep, wave};
use super::path::{Path, Point, Stand};
use super::stage::Stage;
use super::things::halo;
use super::words::Thing;

const ROCK: &str = "M -14 112 C 0 96 14 88 24 86 L 78 86 C 90 90 104 98 116 112 Z";
const WALL: &str = "M 22 88 L 22 62 L 78 62 L 78 88 Z";
const GATE: &str = "M 44 88 L 44 78 Q 49 71 54 78 L 54 88 Z";
/// The towers: left edge, width and upper edge.
const TOWERS: [(f32, f32, f32); 4] = [
    (16.0, 12.0, 46.0),
    (36.0, 10.0, 34.0),
    (50.0, 14.0, 22.0),
    (72.0, 12.0, 42.0),
];
const SLITS: [Point; 5] = [
    (40.0, 44.0),
    (56.0, 34.0),
    (56.0, 48.0),
    (21.0, 56.0),
    (77.0, 52.0),
];

/// Paints a castle on its rock.
pub fn castle(canvas: &mut Canvas, stage: &Stage, stand: Stand) {
    let palette = stage.palette;
    let wall = palette.far(palette.lit(hex(0xa8_9c90)), 0.25);
    let shade = wall.scale(0.78);
    let roof = palette.far(palette.accent(1), 0.2).scale(0.85);
    let mut put = |path: Path, color: Color| canvas.fill(&path.stand(stand), color);
    put(
        Path::read(ROCK),
        palette.far(palette.ground.mix(palette.leaf, 0.6), 0.25),
    );
    put(Path::read(WALL), shade);
    for (left, wide, top) in TOWERS {
        let (middle, right, tip) = (left + wide * 0.5, left + wide, top - wide * 1.7);
        put(Path::rect(left, top, wide, 88.0 - top), wall);
        put(Path::rect(middle, top, wide * 0.5, 88.0 - top), shade);
        put(
            Path::polygon(&[(left - 2.0, top), (middle, tip), (right + 2.0, top)]),
            roof,
        );
        let flag = [
            (middle, tip - 6.0),
            (middle + 6.0, tip - 4.0),
            (middle, tip - 2.0),
        ];
        put(Path::polygon(&flag), palette.accent(0));
    }
    for left in [24.0, 30.0, 46.0, 64.0, 70.0] {
        put(Path::rect(left, 58.5, 3.0, 3.5), shade);
    }
    put(Path::read(GATE), palette.ink);
    let glass = if stage.is_dark() {
        palette.lamp
    } else {
        palette.ink
    };
    for (x, y) in SLITS {
        put(Path::rect(x, y, 2.4, 5.0), glass);
    }
}

/// Paints a lighthouse on a rock, with its beam when it is dark.
pub fn lighthouse(canvas: &mut Canvas, stage: &Stage, stand: Stand) {
    let palette = stage.palette;
    let lamp = stand.place((50.0, 15.0));
    if stage.is_dark()
        || stage
            .scene
            .has_any(&[Thing::Fog, Thing::Storm, Thing::Dusk])
    {
        beam(canvas, stage, lamp);
    }
    let white = palette.lit(hex(0xf2_ece0));
    let red = palette.lit(hex(0xb8_3a32));
    let mut put = |text: &str, color: Color| canvas.fill(&Path::read(text).stand(stand), color);
    put(
        "M 8 104 C 14 92 26 88 36 84 L 64 84 C 76 88 88 92 94 104 Z",
        palette.stone.scale(0.55),
    );
    put("M 39 86 L 44 24 L 56 24 L 61 86 Z", white);
    for (y, h) in [(34.0_f32, 12.0_f32), (58.0, 13.0)] {
        let half = |y: f32| 6.0 + (y - 24.0) / 62.0 * 5.0;
        let (a, b) = (half(y), half(y + h));
        put(
            &format!(
                "M {} {y} L {} {y} L {} {} L {} {} Z",
                50.0 - a,
                50.0 + a,
                50.0 + b,
                y + h,
                50.0 - b,
                y + h
            ),
            red,
        );
    }
    put(
        "M 51 24 L 56 24 L 61 86 L 52 86 Z",
        Color { ..palette.ink }.mix(white, 0.72),
    );
    put("M 42 24 L 58 24 L 58 21 L 42 21 Z", palette.ink);
    put("M 46 21 L 54 21 L 54 10 L 46 10 Z", palette.lamp);
    put("M 44 10 L 56 10 L 50 2 Z", red.scale(0.8));
    halo(canvas, lamp, stand.height * 0.09, palette.lamp, 0.9);
}

fn beam(canvas: &mut Canvas, stage: &Stage, lamp: Point) {
    let reach = stage.unit * 0.75;
    let side = if lamp.0 > stage.width * 0.5 {
        -1.0
    } else {
        1.0
    };
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

/// Paints a bridge of stone arches over the water.
pub fn bridge(canvas: &mut Canvas, stage: &Stage) {
    let palette = stage.palette;
    let wall = palette.far(palette.lit(hex(0x9a_8c7e)), 0.2);
    let (deck, foot) = (
        stage.horizon - stage.unit * 0.075,
        stage.horizon + stage.unit * 0.012,
    );
    let arches = (stage.width / (stage.unit * 0.24)).ceil().max(2.0) as usize;
    let span = stage.width / arches as f32;
    let mut path = Path::rect(
        -2.0,
        deck - stage.unit * 0.022,
        stage.width + 4.0,
        stage.unit * 0.022,
    );
    for arch in 0..arches {
        let x = arch as f32 * span;
        let rise = foot - deck;
        let mut points = vec![(x, deck), (x, foot), (x + span * 0.1, foot)];
        for step in 0..=16 {
            let t = step as f32 / 16.0;
            points.push((
                x + span * (0.1 + 0.8 * t),
                foot - rise * 0.82 * wave(t * 0.5),
            ));
        }
        points.extend([(x + span * 0.9, foot), (x + span, foot), (x + span, deck)]);
        path = path.and(Path::polygon(&points));
    }
    canvas.fill_with(&path, 1.0, |_, y, _| {
        wall.scale(lerp(
            1.05,
            0.7,
            ((y - deck) / (foot - deck)).clamp(0.0, 1.0),
        ))
    });
}
