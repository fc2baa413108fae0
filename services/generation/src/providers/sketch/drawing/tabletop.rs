//! Still lifes: a table before a wall, light from one side, and what lies on it.

use super::canvas::Canvas;
use super::color::hex;
use super::fruit::{drop_shadow, one_fruit};
use super::math::{fade, length, smoothstep};
use super::noise::{fbm2, noise2};
use super::palette::Palette;
use super::path::Point;
use super::random::Random;
use super::scene::{Scene, Time};
use super::vessels::{bowl, candle, cup, vase};
use super::words::Thing;

/// What lies and stands on the table.
struct Laid {
    fruits: Vec<Thing>,
    bowl: bool,
    vase: bool,
    cup: bool,
    candle: bool,
}

/// Paints a still life.
pub fn paint(canvas: &mut Canvas, scene: &Scene, palette: &Palette) {
    let mut random = scene.random.part("table");
    let (width, height) = canvas.size();
    let unit = canvas.unit();
    let edge = height * random.range(0.56, 0.62);
    room(canvas, scene, palette, edge, &mut random);
    let laid = laid(scene);
    let (x, y) = (width * 0.5, edge + (height - edge) * 0.48);
    let aside = width.min(unit * 1.3) * 0.3;
    // With others a thing steps aside and is a little smaller.
    let shared = laid.vase && (laid.bowl || laid.cup);
    let beside = |alone: bool, off: f32| if alone { x } else { x + aside * off };
    let small = |size: f32| unit * if shared { size } else { 1.0 };
    if laid.vase {
        vase(
            canvas,
            scene,
            palette,
            (beside(!shared, -0.75), y - unit * 0.02),
            small(0.85),
        );
    }
    if laid.candle {
        candle(
            canvas,
            palette,
            (x + aside * if shared { 1.25 } else { 0.95 }, y),
            unit,
        );
    }
    if laid.cup {
        let alone = !(laid.bowl || laid.vase);
        cup(
            canvas,
            palette,
            (beside(alone, 0.7), y + unit * 0.06),
            small(0.75),
        );
    }
    if laid.bowl {
        let at = (beside(!shared, 0.45), y);
        bowl(canvas, palette, &laid.fruits, at, small(0.8), &mut random);
    }
    loose_fruit(canvas, palette, &laid, (x, y), &mut random);
}

fn laid(scene: &Scene) -> Laid {
    let fruit = [
        Thing::Lemon,
        Thing::Orange,
        Thing::Apple,
        Thing::Pear,
        Thing::Cherry,
    ];
    let mut fruits: Vec<Thing> = fruit.into_iter().filter(|one| scene.has(*one)).collect();
    if fruits.is_empty() && scene.has_any(&[Thing::Bowl, Thing::StillLife]) {
        fruits = vec![Thing::Apple, Thing::Lemon, Thing::Orange, Thing::Pear];
    }
    Laid {
        bowl: scene.has(Thing::Bowl) || (!fruits.is_empty() && scene.has(Thing::StillLife)),
        vase: scene.has_any(&[Thing::Vase, Thing::Flower]),
        cup: scene.has(Thing::Cup),
        candle: scene.has(Thing::Candle),
        fruits,
    }
}

fn loose_fruit(
    canvas: &mut Canvas,
    palette: &Palette,
    laid: &Laid,
    middle: Point,
    random: &mut Random,
) {
    if laid.fruits.is_empty() {
        return;
    }
    let unit = canvas.unit();
    let (count, spread, size) = if laid.bowl {
        (2, 1.1, 1.0)
    } else {
        (5, 0.79, 1.35)
    };
    for index in 0..count {
        let t = (index as f32 + 0.5) / count as f32 - 0.5;
        let at = (
            middle.0 + unit * (t * spread + random.range(-0.02, 0.02)),
            middle.1 + unit * (0.09 + random.range(-0.03, 0.05)),
        );
        let size = unit * size * random.range(0.078, 0.09);
        drop_shadow(canvas, palette, (at.0, at.1 + size * 0.8), size * 1.25);
        let fruit = laid.fruits[index % laid.fruits.len()];
        one_fruit(canvas, palette, fruit, at, size, random);
    }
}

fn room(canvas: &mut Canvas, scene: &Scene, palette: &Palette, edge: f32, random: &mut Random) {
    let (width, height) = canvas.size();
    let unit = canvas.unit();
    let dark = scene.time == Time::Night || scene.has_any(&[Thing::Dark, Thing::Candle]);
    let walls = [0x8f_a7a4, 0xc9_a48a, 0x6f_8496, 0xb8_ab92, 0x7d_8f74];
    let named = scene.reading.colors.first().copied();
    let wall = named.map_or(hex(walls[random.index(walls.len())]), |color| {
        color.mix(hex(0xcf_c4b2), 0.3)
    });
    let wall = if dark { wall.scale(0.32) } else { wall };
    let wood = palette
        .lit(hex(0xa8_7448))
        .scale(if dark { 0.55 } else { 1.0 });
    let cloth = random.chance(0.35);
    let table = if cloth {
        palette
            .lit(hex(0xe9_e0d0))
            .scale(if dark { 0.5 } else { 1.0 })
    } else {
        wood
    };
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
