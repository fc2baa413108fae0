//! Deer and horses: seen from the side, on long legs.

use super::canvas::Canvas;
use super::color::{Color, hex};
use super::palette::Palette;
use super::path::{Path, Stand};
use super::words::Thing;

const LEGS_FAR: &str = "M 35 62 C 34 72 37 78 35 99 L 38 99 C 40 82 40 74 42 64 Z \
    M 66 62 C 67 72 63 80 64 99 L 67 99 C 69 84 70 74 72 64 Z";
const LEGS_NEAR: &str = "M 28 56 C 27 70 31 78 28 99 L 32 99 C 35 82 35 72 38 62 Z \
    M 69 60 C 72 70 69 80 71 99 L 75 99 C 76 84 77 72 78 58 Z";

const DEER_BODY: &str = "M 26 52 C 28 46 36 45 44 46 C 54 47 62 47 68 44 C 72 40 73 32 75 26 \
    C 76 22 79 20 83 20 C 88 20 92 24 96 27 C 97 29 95 31 92 31 C 88 31 85 32 83 34 \
    C 82 44 82 54 78 62 C 70 68 58 65 48 66 C 40 67 32 67 28 63 C 25 60 25 56 26 52 Z";
const DEER_EARS: &str = "M 79 21 C 74 20 70 17 69 14 C 75 14 79 16 81 19 Z";
const DEER_PALE: &str = "M 30 63 C 38 68 56 66 68 65 C 60 69 40 70 30 63 Z M 25 54 C 23 50 26 47 29 49 Z \
    M 78 34 C 80 40 80 48 77 54 C 75 48 75 40 78 34 Z";
const ANTLERS: &str = "M 80 20 C 76 12 74 4 78 -8 L 80 -8 C 77 3 79 10 82 19 Z \
    M 77 8 C 72 6 69 1 69 -5 L 71 -5 C 71 0 74 4 78 5 Z M 77 -1 C 74 -4 73 -8 74 -12 L 76 -12 C 75 -8 76 -5 78 -3 Z \
    M 83 20 C 85 12 88 4 96 -3 L 97 -1 C 90 6 87 12 85 20 Z \
    M 87 10 C 88 4 88 -2 86 -8 L 88 -8 C 90 -2 91 4 89 9 Z M 90 6 C 94 6 98 4 100 1 L 101 3 C 98 7 94 9 89 8 Z";

const HORSE_BODY: &str = "M 24 50 C 26 43 36 42 46 44 C 54 45 60 44 66 40 C 70 34 74 24 80 17 \
    C 83 14 86 15 87 18 C 92 22 97 28 99 33 C 99 36 96 38 93 37 C 89 36 86 33 84 33 \
    C 83 42 82 54 78 61 C 70 67 58 64 48 65 C 40 67 32 68 28 63 C 24 60 23 55 24 50 Z";
const HORSE_EARS: &str = "M 80 18 L 80 9 L 85 16 Z";
const MANE: &str =
    "M 82 13 C 76 15 70 23 66 32 C 64 37 60 40 57 43 C 62 46 68 46 72 42 C 76 36 78 26 84 20 Z";
const HORSE_TAIL: &str =
    "M 25 49 C 17 48 14 58 16 68 C 17 76 14 82 11 86 C 18 88 23 80 23 70 C 23 62 24 58 27 55 Z";

/// Paints a deer or a horse where it stands.
pub fn paint(
    canvas: &mut Canvas,
    palette: &Palette,
    beast: Thing,
    stand: Stand,
    tint: Option<Color>,
) {
    let deer = beast == Thing::Deer;
    let own = palette.lit(hex(if deer { 0xa0_6a42 } else { 0x6e_4630 }));
    let coat = tint.map_or(own, |hue| own.tint(hue, 0.85));
    let dark = palette.lit(hex(if deer { 0x4a_3426 } else { 0x2a_1c16 }));
    let pale = palette.lit(hex(0xf0_e2cc));
    super::beasts::shadow(canvas, palette, stand, 34.0);
    let mut put = |text: &str, color: Color| canvas.fill(&Path::read(text).stand(stand), color);
    put(LEGS_FAR, coat.scale(0.62));
    if !deer {
        put(HORSE_TAIL, dark);
    }
    put(LEGS_NEAR, coat.scale(0.9));
    if deer {
        put(ANTLERS, dark.mix(pale, 0.35));
        put(DEER_BODY, coat);
        put(DEER_EARS, coat.scale(0.8));
        put(DEER_PALE, pale);
    } else {
        put(HORSE_BODY, coat);
        put(HORSE_EARS, coat.scale(0.85));
        put(MANE, dark);
    }
    let muzzle = if deer { (95.0, 28.0) } else { (97.0, 34.5) };
    canvas.fill(
        &Path::ellipse(muzzle.0, muzzle.1, 1.9, 1.5).stand(stand),
        dark,
    );
    let eye = if deer { (84.0, 24.0) } else { (86.0, 22.5) };
    canvas.fill(
        &Path::ellipse(eye.0, eye.1, 1.2, 1.2).stand(stand),
        hex(0x12_0e0e),
    );
    if deer {
        for (x, y) in [
            (36.0, 52.0),
            (42.0, 50.0),
            (48.0, 52.0),
            (54.0, 50.5),
            (39.0, 56.0),
            (46.0, 57.0),
        ] {
            canvas.glaze(&Path::ellipse(x, y, 1.1, 0.9).stand(stand), pale, 0.7);
        }
    }
}
