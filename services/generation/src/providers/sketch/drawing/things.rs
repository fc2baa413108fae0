//! What stands in a landscape: houses, boats, balloons, people, and the light around lamps.

use super::canvas::Canvas;
use super::color::{Color, WHITE, hex};
use super::math::{fade, length, lerp, wave};
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
    let roof = palette
        .accent(1 + random.index(4))
        .scale(0.72)
        .mix(palette.ink, 0.12);
    let dark = stage.is_dark();
    let mut put = |text: &str, color: Color| canvas.fill(&Path::read(text).stand(stand), color);
    put("M 70 20 L 78 20 L 78 46 L 70 46 Z", roof.scale(0.8));
    put("M 12 52 L 88 52 L 88 100 L 12 100 Z", wall);
    put("M 88 52 L 88 100 L 76 100 L 76 52 Z", wall.scale(0.86));
    put("M 4 56 L 26 22 L 74 22 L 96 56 Z", roof);
    if stage.scene.is_white() {
        put(
            "M 4 56 L 26 22 L 74 22 L 96 56 L 88 56 L 72 30 L 28 30 L 12 56 Z",
            palette.snow,
        );
        put("M 69 17 L 79 17 L 79 22 L 69 22 Z", palette.snow);
    }
    put("M 44 70 L 57 70 L 57 100 L 44 100 Z", roof.scale(0.7));
    let glass = if dark {
        palette.lamp
    } else {
        palette.sky[1].scale(0.72)
    };
    for x in [20.0, 66.0] {
        put(
            &format!("M {x} 64 L {} 64 L {} 80 L {x} 80 Z", x + 14.0, x + 14.0),
            glass,
        );
        let bar = x + 6.3;
        put(
            &format!(
                "M {bar} 64 L {} 64 L {} 80 L {bar} 80 Z",
                bar + 1.4,
                bar + 1.4
            ),
            wall.scale(0.7),
        );
    }
    if dark {
        for x in [27.0, 73.0] {
            halo(
                canvas,
                stand.place((x, 72.0)),
                stand.height * 0.16,
                palette.lamp,
                0.5,
            );
        }
    }
    smoke(
        canvas,
        stage,
        stand.place((74.0, 18.0)),
        stand.height,
        random,
    );
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
        canvas.glaze(
            &Path::ellipse(at.0, at.1, size, size),
            stage.palette.haze,
            0.17 * (1.0 - t),
        );
    }
}

/// Paints a sailing boat on the water.
pub fn boat(canvas: &mut Canvas, stage: &Stage, stand: Stand, sail: Color) {
    let palette = stage.palette;
    let hull = palette.lit(hex(0x5a_3a2c));
    let tone = palette.water.scale(0.6);
    for (grow, alpha) in [(1.0, 0.25), (0.7, 0.3)] {
        let width = stand.height * 0.44 * grow;
        canvas.glaze(
            &Path::ellipse(stand.at.0, stand.at.1, width, width * 0.1),
            tone,
            alpha,
        );
    }
    let mirror = Stand {
        height: -stand.height * 0.55,
        ..stand
    };
    let sails = "M 51 10 C 66 34 76 58 82 80 L 51 80 Z M 48 18 C 44 42 36 62 24 80 L 48 80 Z";
    canvas.glaze(&Path::read(sails).stand(mirror), sail, 0.28);
    let mut put = |text: &str, color: Color| canvas.fill(&Path::read(text).stand(stand), color);
    put("M 49 4 L 50.6 4 L 50.6 88 L 49 88 Z", palette.ink);
    put("M 51 10 C 66 34 76 58 82 80 L 51 80 Z", sail);
    put("M 51 10 C 58 34 60 58 60 80 L 51 80 Z", sail.scale(0.88));
    put(
        "M 48 18 C 44 42 36 62 24 80 L 48 80 Z",
        sail.mix(WHITE, 0.25),
    );
    put(
        "M 12 84 L 90 82 C 86 92 80 98 76 100 L 26 100 C 20 96 15 90 12 84 Z",
        hull,
    );
    put(
        "M 12 84 L 90 82 L 88.6 85.6 L 13.6 87.4 Z",
        palette.lit(hex(0xe8_dcc4)),
    );
}

/// Paints a hot-air balloon.
pub fn balloon(canvas: &mut Canvas, stage: &Stage, stand: Stand, color: Color) {
    let palette = stage.palette;
    let pale = palette.lit(hex(0xf6_ecd6));
    let basket = palette.lit(hex(0x7a_5434));
    let mut put = |text: &str, color: Color| canvas.fill(&Path::read(text).stand(stand), color);
    put(
        "M 40 70 L 44 88 L 44.8 88 L 41.4 70 Z M 60 70 L 56 88 L 55.2 88 L 58.6 70 Z",
        palette.ink,
    );
    put("M 43 88 L 57 88 L 55.6 98 L 44.4 98 Z", basket);
    put(
        "M 50 0 C 24 0 12 20 14 38 C 16 52 30 62 38 74 L 62 74 C 70 62 84 52 86 38 C 88 20 76 0 50 0 Z",
        color,
    );
    put(
        "M 50 0 C 34 2 28 22 29 38 C 30 52 38 62 43 74 L 50 74 Z",
        pale,
    );
    put(
        "M 50 0 C 46 2 44 22 44 38 C 44 52 46 62 48 74 L 52 74 C 54 62 56 52 56 38 C 56 22 54 2 50 0 Z",
        color.scale(0.92),
    );
    put(
        "M 50 0 C 66 2 72 22 71 38 C 70 52 62 62 57 74 L 52 74 C 54 62 56 52 56 38 C 56 22 54 2 50 0 Z",
        pale.scale(0.94),
    );
    let shade =
        Path::read("M 50 0 C 76 0 88 20 86 38 C 84 52 70 62 62 74 L 54 74 C 68 60 76 40 50 0 Z");
    canvas.glaze(&shade.stand(stand), palette.ink, 0.16);
}

/// Paints somebody standing, seen from behind, with an umbrella when it rains.
pub fn person(canvas: &mut Canvas, stage: &Stage, stand: Stand, coat: Color) {
    let palette = stage.palette;
    let dark = palette.ink;
    super::beasts::shadow(canvas, palette, stand, 16.0);
    let mut put = |text: &str, color: Color| canvas.fill(&Path::read(text).stand(stand), color);
    put(
        "M 43 70 L 42 98 L 39 100 L 48 100 L 49 72 Z M 57 70 L 58 98 L 61 100 L 52 100 L 51 72 Z",
        dark,
    );
    put(
        "M 50 26 C 41 27 38 33 37 44 L 33 78 C 42 83 58 83 67 78 L 63 44 C 62 33 59 27 50 26 Z",
        coat,
    );
    put(
        "M 50 26 C 59 27 62 33 63 44 L 67 78 C 62 81 56 82 51 82 Z",
        coat.scale(0.82),
    );
    put(
        "M 38 36 C 32 46 31 56 33 62 L 37 61 C 36 54 38 48 41 42 Z",
        coat.scale(0.9),
    );
    put(
        "M 50 10 C 43 10 41 15 42 21 C 43 26 46 28 50 28 C 54 28 57 26 58 21 C 59 15 57 10 50 10 Z",
        dark.mix(coat, 0.12),
    );
    put(
        "M 43 25 C 46 30 54 30 57 25 L 59 31 C 54 35 46 35 41 31 Z",
        palette.accent(1),
    );
    let wet = stage
        .scene
        .has_any(&[Thing::Rain, Thing::Storm, Thing::Umbrella]);
    if wet {
        put("M 62 8 L 63.2 8 L 63.2 56 L 62 56 Z", dark);
        put(
            "M 30 10 C 34 -10 54 -18 62.6 -18 C 72 -18 92 -10 96 10 Q 90 5 84 10 Q 78 5 72 10 Q 66 5 60 10 Q 54 5 48 10 Q 40 5 30 10 Z",
            palette.lit(hex(0xc8_3c34)),
        );
        put(
            "M 62.6 -18 C 72 -18 92 -10 96 10 Q 90 5 84 10 Q 78 5 72 10 C 72 0 68 -12 62.6 -18 Z",
            palette.lit(hex(0x96_2824)),
        );
    }
}
