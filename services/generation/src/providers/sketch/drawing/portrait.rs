//! Portraits: somebody from the chest up, in few flat forms before a disc of light.

use super::canvas::Canvas;
use super::color::{Color, hex};
use super::math::{fade, length};
use super::noise::fbm2;
use super::palette::Palette;
use super::path::{Path, Stand};
use super::scene::Scene;
use super::words::Thing;

const BACK_HAIR: &str = "M 50 4 C 28 4 22 22 24 42 C 25 58 20 70 24 82 C 34 88 66 88 76 82 \
    C 80 70 75 58 76 42 C 78 22 72 4 50 4 Z";
const NECK: &str = "M 42 54 L 58 54 L 59 74 L 41 74 Z";
const CLOTH: &str = "M 4 104 C 6 84 24 78 40 72 C 44 80 56 80 60 72 C 76 78 94 84 96 104 Z";
const CLOTH_SHADE: &str = "M 60 72 C 76 78 94 84 96 104 L 66 104 C 68 92 66 82 60 72 Z";
const COLLAR: &str = "M 40 72 C 44 80 56 80 60 72 L 62 75 C 56 85 44 85 38 75 Z";
const FACE: &str =
    "M 50 12 C 36 12 31 24 32 36 C 33 50 41 62 50 62 C 59 62 67 50 68 36 C 69 24 64 12 50 12 Z";
const FACE_SHADE: &str =
    "M 52 12 C 64 12 69 24 68 36 C 67 50 59 62 50 62 C 58 54 62 44 61 32 C 60 22 57 16 52 12 Z";
const EARS: &str =
    "M 30 36 C 27 34 27 42 30 45 L 33 46 L 32 36 Z M 70 36 C 73 34 73 42 70 45 L 67 46 L 68 36 Z";
const LONG_HAIR: &str = "M 50 6 C 33 5 27 18 29 40 C 31 32 34 26 40 22 C 48 26 60 24 64 22 C 68 28 70 34 71 40 \
    C 73 18 67 6 50 6 Z";
const SHORT_HAIR: &str = "M 50 6 C 34 5 28 16 31 32 C 33 28 34 25 37 22 C 46 24 58 22 63 20 C 66 24 68 28 69 32 \
    C 72 16 66 6 50 6 Z";
const NOSE: &str =
    "M 50 36 C 51 42 53 45 54 47 C 53 49 49 49.4 47.6 48.4 C 50 47.6 50.6 46.6 50 44 Z";
const UPPER_LIP: &str =
    "M 43.6 53.4 C 46 52.2 48 51.8 50 52.6 C 52 51.8 54 52.2 56.4 53.4 C 53 54 47 54 43.6 53.4 Z";
const LOWER_LIP: &str = "M 43.6 53.4 C 47 54 53 54 56.4 53.4 C 54 56.8 46 56.8 43.6 53.4 Z";

// One eye with its brow, around its middle at (0, 37).
const BROW: &str = "M -4.6 32.2 Q 0 29 4.6 32 L 4.6 33 Q 0 30.4 -4.6 33.2 Z";
const EYE: &str = "M -4 37 Q 0 33.6 4 37 Q 0 40 -4 37 Z";
const IRIS: &str = "M -1.9 36.9 Q 0 33 1.9 36.9 Q 0 41 -1.9 36.9 Z";
const LID: &str = "M -4.2 37 Q 0 32.8 4.2 37 Q 0 34.6 -4.2 37 Z";

/// Paints a portrait; of an animal when the prompt names one.
pub fn paint(canvas: &mut Canvas, scene: &Scene, palette: &Palette) {
    let mut random = scene.random.part("portrait");
    let (width, height) = canvas.size();
    let unit = canvas.unit();
    let grounds = [0xc8_7a5a, 0x5a_8a8c, 0xd8_ac5c, 0x74_6a9a, 0x8a_9a6a];
    let named = scene.reading.colors.first().copied();
    let ground = named.unwrap_or_else(|| hex(grounds[random.index(grounds.len())]));
    let seed = random.field();
    let middle = (width * 0.5, height * 0.42);
    canvas.each(|x, y, _| {
        let brush = fbm2(x / unit * 9.0, y / unit * 3.0, 4, seed) - 0.5;
        let light = fade(length(x - middle.0, y - middle.1) / unit * 1.6);
        ground.scale(0.62 + 0.5 * light + brush * 0.14)
    });
    let disc = ground.mix(hex(0xf8_e8c8), 0.55);
    canvas.glaze(
        &Path::ellipse(middle.0, middle.1, unit * 0.36, unit * 0.36),
        disc,
        0.85,
    );
    let beast = super::beasts::BEASTS
        .into_iter()
        .find(|beast| scene.has(*beast));
    if let Some(beast) = beast {
        let stand = Stand::new((width * 0.5, height + unit * 0.5), unit * 1.35);
        super::beasts::paint(canvas, palette, beast, stand, named);
        return;
    }
    let skins = [0xf0_cdb0, 0xd8_a47c, 0xa8_7048, 0x7a_4c30, 0xe4_b894];
    let hairs = [
        0x2a_1e1a, 0x5a_3822, 0x8a_5a2c, 0xc8_9a58, 0x6e_6a68, 0x3a_2a2c,
    ];
    let skin = palette.lit(hex(skins[random.index(skins.len())]));
    let hair = palette.lit(hex(hairs[random.index(hairs.len())]));
    let cloth = scene.reading.colors.get(1).copied();
    let cloth = cloth.unwrap_or_else(|| palette.accent(1 + random.index(6)).scale(0.8));
    let long = scene_wants_long_hair(scene).unwrap_or_else(|| random.chance(0.5));
    let stand = Stand::new((width * 0.5, height), unit * 0.86).flipped(random.chance(0.5));
    bust(canvas, stand, (skin, hair, cloth), long);
}

fn scene_wants_long_hair(scene: &Scene) -> Option<bool> {
    let words = scene.reading.rest.as_str();
    if words.contains("beard") || words.contains("father") {
        return Some(false);
    }
    (scene.has(Thing::Person) && words.contains("hair")).then_some(true)
}

fn bust(canvas: &mut Canvas, stand: Stand, (skin, hair, cloth): (Color, Color, Color), long: bool) {
    let shade = skin.scale(0.82).tint(hex(0xb0_5a50), 0.2);
    let mut put = |text: &str, color: Color| canvas.fill(&Path::read(text).stand(stand), color);
    if long {
        put(BACK_HAIR, hair.scale(0.8));
    }
    put(NECK, shade);
    put(CLOTH, cloth);
    put(CLOTH_SHADE, cloth.scale(0.8));
    put(COLLAR, cloth.scale(0.66));
    put(FACE, skin);
    put(FACE_SHADE, shade);
    put(EARS, shade);
    put(if long { LONG_HAIR } else { SHORT_HAIR }, hair);
    put(NOSE, shade.scale(0.9));
    put(UPPER_LIP, hex(0xa8_4a48).mix(skin, 0.25));
    put(LOWER_LIP, hex(0xb8_5a54).mix(skin, 0.25));
    let ink = hair.scale(0.6);
    for middle in [41.6, 58.4] {
        for (text, color) in [(BROW, ink), (EYE, hex(0xf4_ece4)), (IRIS, ink), (LID, ink)] {
            let moved = Path::read(text).map(|(x, y)| (x + middle, y));
            canvas.fill(&moved.stand(stand), color);
        }
    }
    for x in [40.0, 60.0] {
        let cheek = Path::ellipse(x, 45.5, 4.2, 3.0).stand(stand);
        canvas.glaze(&cheek, hex(0xd0_6058), 0.16);
    }
}
