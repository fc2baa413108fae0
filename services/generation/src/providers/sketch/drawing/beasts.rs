//! Animals, cut as from paper: a few outlines each, in a box of 100 by 100 with the feet at the
//! lower edge.

use super::canvas::Canvas;
use super::color::{Color, hex};
use super::math::{length, smoothstep};
use super::palette::Palette;
use super::path::{Path, Stand};
use super::words::Thing;

/// The outlines a sitting beast, seen from the front, is put together from.
struct Coat {
    fur: u32,
    dark: u32,
    pale: u32,
    ears: Ears,
    tail: Tail,
    round: bool,
}

#[derive(PartialEq)]
enum Ears {
    Pointed,
    Round,
    Long,
    Hanging,
}

#[derive(PartialEq)]
enum Tail {
    Brush,
    Thin,
    Short,
}

/// Which animals there are.
pub const BEASTS: [Thing; 9] = [
    Thing::Fox,
    Thing::Wolf,
    Thing::Dog,
    Thing::Cat,
    Thing::Bear,
    Thing::Rabbit,
    Thing::Owl,
    Thing::Deer,
    Thing::Horse,
];

/// Paints one animal where it stands; its coat tinted by a named colour.
pub fn paint(
    canvas: &mut Canvas,
    palette: &Palette,
    beast: Thing,
    stand: Stand,
    tint: Option<Color>,
) {
    let coat = match beast {
        Thing::Fox => coat(0xd9_6a2c, 0x3a_2622, 0xf8_ece0, Ears::Pointed, Tail::Brush),
        Thing::Wolf => coat(0x7c_8490, 0x34_3a44, 0xe2_e4e6, Ears::Pointed, Tail::Brush),
        Thing::Dog => coat(0xc0_8a52, 0x5a_3a24, 0xf4_e8d4, Ears::Hanging, Tail::Thin),
        Thing::Cat => coat(0x5c_5a60, 0x2c_2a30, 0xe4_e0dc, Ears::Pointed, Tail::Thin),
        Thing::Bear => coat(0x6a_4a36, 0x38_281e, 0xb8_9474, Ears::Round, Tail::Short),
        Thing::Rabbit => coat(0xb8_a690, 0x6e_5c4c, 0xf6_f0e6, Ears::Long, Tail::Short),
        Thing::Owl => return owl(canvas, palette, stand, tint),
        Thing::Deer | Thing::Horse => {
            return super::hoofed::paint(canvas, palette, beast, stand, tint);
        }
        _ => return,
    };
    let round = matches!(beast, Thing::Cat | Thing::Bear | Thing::Rabbit | Thing::Dog);
    sitting(canvas, palette, &Coat { round, ..coat }, stand, tint);
}

fn coat(fur: u32, dark: u32, pale: u32, ears: Ears, tail: Tail) -> Coat {
    Coat {
        fur,
        dark,
        pale,
        ears,
        tail,
        round: false,
    }
}

fn sitting(canvas: &mut Canvas, palette: &Palette, coat: &Coat, stand: Stand, tint: Option<Color>) {
    let fur = palette.lit(hex(coat.fur));
    let fur = tint.map_or(fur, |hue| fur.tint(hue, 0.85));
    let (dark, pale) = (palette.lit(hex(coat.dark)), palette.lit(hex(coat.pale)));
    let deep = fur.scale(0.78);
    shadow(canvas, palette, stand, 34.0);
    let mut put = |text: &str, color: Color| canvas.fill(&Path::read(text).stand(stand), color);
    match coat.tail {
        Tail::Brush => {
            put(
                "M 60 95 C 84 104 106 88 99 66 C 96 56 90 52 86 47 C 88 60 78 66 70 72 C 62 78 58 86 60 95 Z",
                deep,
            );
            put(
                "M 99 66 C 96 56 90 52 86 47 C 87 54 84 59 80 63 C 84 62 85 66 89 65 C 90 69 95 67 99 66 Z",
                pale,
            );
        }
        Tail::Thin => put(
            "M 64 92 C 80 98 92 92 90 78 C 89 70 84 68 86 60 C 92 66 97 74 96 82 C 94 98 78 102 64 98 Z",
            deep,
        ),
        Tail::Short => put("M 68 88 C 76 82 82 88 79 94 C 76 99 70 98 67 96 Z", pale),
    }
    // Haunches, body, chest, legs.
    put(
        "M 30 99 C 22 92 24 76 36 70 L 64 70 C 76 76 78 92 70 99 Z",
        deep,
    );
    put(
        "M 50 40 C 36 44 32 60 33 76 C 34 88 36 96 38 99 L 62 99 C 64 96 66 88 67 76 C 68 60 64 44 50 40 Z",
        fur,
    );
    put(
        "M 50 48 C 41 52 39 64 42 74 C 44 80 48 86 50 90 C 52 86 56 80 58 74 C 61 64 59 52 50 48 Z",
        pale,
    );
    put(
        "M 41 70 C 40 80 40 90 39 99 L 48.5 99 C 49 92 49 84 48.5 78 Z M 59 70 C 60 80 60 90 61 99 L 51.5 99 C 51 92 51 84 51.5 78 Z",
        fur.scale(0.93),
    );
    put(
        "M 40 86 C 39 91 38.5 95 38 99.5 L 48.6 99.5 L 48.8 86 Z M 60 86 C 61 91 61.5 95 62 99.5 L 51.4 99.5 L 51.2 86 Z",
        dark,
    );
    ears(&mut put, coat, (fur, dark, pale));
    head(&mut put, coat, (fur, dark, pale));
}

fn ears(put: &mut impl FnMut(&str, Color), coat: &Coat, (fur, dark, pale): (Color, Color, Color)) {
    match coat.ears {
        Ears::Pointed => {
            put(
                "M 29 6 C 36 10 44 16 47 24 L 28 34 C 26 24 26 14 29 6 Z M 71 6 C 64 10 56 16 53 24 L 72 34 C 74 24 74 14 71 6 Z",
                fur,
            );
            put(
                "M 31 11 C 36 15 40 19 42 24 L 32 29 C 30 23 30 16 31 11 Z M 69 11 C 64 15 60 19 58 24 L 68 29 C 70 23 70 16 69 11 Z",
                dark,
            );
        }
        Ears::Round => {
            put(
                "M 26 24 C 18 14 30 6 39 14 L 40 26 Z M 74 24 C 82 14 70 6 61 14 L 60 26 Z",
                fur,
            );
            put(
                "M 29 22 C 25 16 31 12 36 16 L 37 24 Z M 71 22 C 75 16 69 12 64 16 L 63 24 Z",
                dark,
            );
        }
        Ears::Long => {
            put(
                "M 40 28 C 30 14 30 -8 36 -14 C 44 -8 48 12 48 26 Z M 60 28 C 70 14 70 -8 64 -14 C 56 -8 52 12 52 26 Z",
                fur,
            );
            put(
                "M 41 24 C 35 12 34 -2 37 -8 C 42 -2 44 12 45 23 Z M 59 24 C 65 12 66 -2 63 -8 C 58 -2 56 12 55 23 Z",
                pale.mix(dark, 0.25),
            );
        }
        Ears::Hanging => {
            put(
                "M 33 17 C 22 18 18 32 22 46 C 30 46 34 36 36 26 Z M 67 17 C 78 18 82 32 78 46 C 70 46 66 36 64 26 Z",
                dark,
            );
        }
    }
}

fn head(put: &mut impl FnMut(&str, Color), coat: &Coat, (fur, dark, pale): (Color, Color, Color)) {
    if coat.round {
        put(
            "M 50 14 C 34 14 25 26 27 38 C 29 50 40 55 50 55 C 60 55 71 50 73 38 C 75 26 66 14 50 14 Z",
            fur,
        );
        put(
            "M 50 37 C 42 37 38 44 41 49 C 44 54 56 54 59 49 C 62 44 58 37 50 37 Z",
            pale,
        );
        put(
            "M 46 40.5 Q 50 38.5 54 40.5 Q 52 45 50 45 Q 48 45 46 40.5 Z",
            dark,
        );
        put("M 49.4 44 L 50.6 44 L 50.6 48.5 L 49.4 48.5 Z", dark);
    } else {
        put(
            "M 50 17 C 40 17 31 22 26 33 C 24 37 22 40 20 42 C 28 44 34 48 40 52 C 44 55 47 58 50 60 C 53 58 56 55 60 52 C 66 48 72 44 80 42 C 78 40 76 37 74 33 C 69 22 60 17 50 17 Z",
            fur,
        );
        put(
            "M 20 42 C 26 39 34 37 40 39 C 45 41 48 48 50 60 C 47 58 44 55 40 52 C 34 48 28 44 20 42 Z M 80 42 C 74 39 66 37 60 39 C 55 41 52 48 50 60 C 53 58 56 55 60 52 C 66 48 72 44 80 42 Z",
            pale,
        );
        put(
            "M 46 55.5 Q 50 53 54 55.5 Q 53 60.5 50 61 Q 47 60.5 46 55.5 Z",
            dark,
        );
    }
    let eye = if coat.round { 32.0 } else { 36.5 };
    for side in [-1.0, 1.0] {
        let x = 50.0 + side * 10.0;
        let outline = format!(
            "M {} {eye} Q {x} {} {} {eye} Q {x} {} {} {eye} Z",
            x - 3.2,
            eye - 4.6,
            x + 3.2,
            eye + 4.2,
            x - 3.2
        );
        put(&outline, hex(0x18_1214));
        let (gx, gy) = (x + 0.9, eye - 1.1);
        let glint = format!(
            "M {gx} {gy} L {} {gy} L {} {} Z",
            gx + 1.2,
            gx + 0.6,
            gy + 1.1
        );
        put(&glint, pale);
    }
}

fn owl(canvas: &mut Canvas, palette: &Palette, stand: Stand, tint: Option<Color>) {
    let fur = palette.lit(hex(0x7a_5c44));
    let fur = tint.map_or(fur, |hue| fur.tint(hue, 0.8));
    let pale = palette.lit(hex(0xe8_d8bc));
    let dark = palette.lit(hex(0x2e_221c));
    shadow(canvas, palette, stand, 26.0);
    let mut put = |text: &str, color: Color| canvas.fill(&Path::read(text).stand(stand), color);
    put(
        "M 50 12 C 44 16 36 14 30 8 C 28 18 24 26 24 44 C 22 70 30 92 50 98 C 70 92 78 70 76 44 C 76 26 72 18 70 8 C 64 14 56 16 50 12 Z",
        fur,
    );
    put(
        "M 50 44 C 38 46 34 62 38 78 C 42 90 48 94 50 94 C 52 94 58 90 62 78 C 66 62 62 46 50 44 Z",
        pale,
    );
    for row in 0..4 {
        for column in -2..=2_i32 {
            let shift = if row % 2 == 0 { 0.0 } else { 3.0 };
            let (x, y) = (50.0 + column as f32 * 6.0 + shift, 56.0 + row as f32 * 8.5);
            if (x - 50.0_f32).abs() < 13.0 - row as f32 * 1.6 {
                put(
                    &format!(
                        "M {} {y} Q {x} {} {} {y} Q {x} {} {} {y} Z",
                        x - 2.2,
                        y + 5.0,
                        x + 2.2,
                        y + 2.0,
                        x - 2.2
                    ),
                    fur,
                );
            }
        }
    }
    put(
        "M 24 44 C 20 62 26 82 36 90 C 34 74 34 58 32 46 Z M 76 44 C 80 62 74 82 64 90 C 66 74 66 58 68 46 Z",
        fur.scale(0.72),
    );
    for side in [-1.0, 1.0] {
        let x = 50.0 + side * 11.5;
        let disc = |radius: f32| Path::ellipse(x, 31.0, radius, radius).stand(stand);
        canvas.fill(&disc(12.5), pale);
        canvas.fill(&disc(8.2), palette.lamp.mix(pale, 0.15));
        canvas.fill(&disc(4.8), dark);
        canvas.fill(&Path::ellipse(x + 1.6, 29.2, 1.4, 1.4).stand(stand), pale);
    }
    canvas.fill(
        &Path::read("M 46 36 L 54 36 L 50 45 Z").stand(stand),
        palette.lamp.scale(0.8),
    );
    canvas.fill(
        &Path::read("M 38 95 L 46 95 L 45 100 L 37 100 Z M 54 95 L 62 95 L 63 100 L 55 100 Z")
            .stand(stand),
        palette.lamp.scale(0.7),
    );
}

/// A soft shadow on the ground.
pub fn shadow(canvas: &mut Canvas, palette: &Palette, stand: Stand, reach: f32) {
    let wide = reach * stand.height / 100.0 * 1.3;
    let (x0, y0) = (stand.at.0, stand.at.1 - wide * 0.03);
    canvas.around((x0, y0), wide, |x, y, color| {
        let off = length((x - x0) / wide, (y - y0) / (wide * 0.2));
        color.mix(palette.ink, 0.5 * smoothstep(1.0, 0.25, off))
    });
}

/// Paints a flock of birds in the sky.
pub fn flock(canvas: &mut Canvas, stage: &super::stage::Stage, count: usize) {
    let mut random = stage.random("birds");
    let middle = (
        stage.width * random.range(0.25, 0.75),
        stage.horizon * random.range(0.2, 0.5),
    );
    for _ in 0..count {
        let size = stage.unit * random.range(0.012, 0.036);
        let x = middle.0 + stage.unit * random.range(-0.26, 0.26);
        let y = middle.1 + stage.unit * random.range(-0.12, 0.12);
        let beat = random.range(-22.0, 4.0);
        let wings = format!(
            "M 50 60 Q 28 {a} 0 {b} Q 30 {c} 50 70 Q 70 {c} 100 {b} Q 72 {a} 50 60 Z",
            a = 32.0 + beat * 0.4,
            b = 44.0 + beat,
            c = 44.0 + beat * 0.4
        );
        let stand = Stand::new((x, y), size).flipped(random.chance(0.5));
        canvas.glaze(&Path::read(&wings).stand(stand), stage.palette.ink, 0.85);
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Scene;
    use super::*;

    #[test]
    fn every_beast_leaves_its_shape() {
        let scene = Scene::new("day", "", 1);
        let palette = Palette::new(&scene);
        for beast in BEASTS {
            let mut canvas = Canvas::new(120, 120);
            canvas.each(|_, _, _| hex(0xff_00ff));
            let stand = Stand::new((60.0, 115.0), 90.0);
            paint(&mut canvas, &palette, beast, stand, None);
            let changed = canvas.pixels.iter().filter(|color| color.g > 0.02).count();
            assert!(changed > 1200, "{beast:?} covers {changed}");
        }
    }
}
