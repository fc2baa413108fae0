//! Puts a landscape together, from the sky to what stands before us.

use super::beasts::{self, BEASTS};
use super::canvas::Canvas;
use super::clouds;
use super::color::Color;
use super::flowers;
use super::land;
use super::landmarks;
use super::math::lerp;
use super::palette::Palette;
use super::path::{Path, Stand};
use super::scene::Scene;
use super::sky;
use super::stage::Stage;
use super::things;
use super::town;
use super::trees;
use super::water;
use super::weather;
use super::words::Thing;

/// Paints a landscape.
pub fn paint(canvas: &mut Canvas, scene: &Scene, palette: &Palette) {
    let stage = Stage::new(canvas, scene, palette);
    sky::paint(canvas, &stage);
    clouds::paint(canvas, &stage);
    weather::lightning(canvas, &stage);
    if scene.has(Thing::Balloon) {
        balloons(canvas, &stage);
    }
    if scene.has(Thing::Bird) {
        beasts::flock(canvas, &stage, 14);
    }
    far(canvas, &stage);
    middle(canvas, &stage);
    near(canvas, &stage);
    weather::paint(canvas, &stage);
}

// What lies behind the horizon line.
fn far(canvas: &mut Canvas, stage: &Stage) {
    let scene = stage.scene;
    if scene.has(Thing::Mountain) {
        land::mountains(canvas, stage);
    }
    if scene.is_water() && scene.has_any(&[Thing::Hill, Thing::Town]) {
        headland(canvas, stage);
    }
    if scene.is_water() && scene.has(Thing::Forest) {
        shore_wood(canvas, stage);
    }
    if scene.has(Thing::Castle) {
        let mut random = stage.random("castle");
        let x = stage.away_from_light(random.range(0.6, 0.72));
        let stand = Stand::new((x, stage.horizon), stage.unit * 0.4);
        landmarks::castle(canvas, stage, stand);
    }
    if scene.has(Thing::City) {
        town::city(canvas, stage);
    }
    if scene.has(Thing::Town) {
        town::town(canvas, stage);
    }
    if scene.has(Thing::Bridge) && scene.is_water() {
        landmarks::bridge(canvas, stage);
    }
}

fn headland(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("headland");
    for layer in 0..2 {
        let seed = random.field();
        let near = layer as f32;
        let rise = stage.unit * lerp(0.3, 0.2, near);
        let scale = 1.2 / stage.unit;
        let ridge = land::Ridge::new(canvas.width, |x| {
            stage.horizon + 1.0 - rise * super::noise::fbm1(x * scale, 3, seed)
        });
        let color = stage.palette.leaf.mix(stage.palette.ground, 0.35);
        land::slope(canvas, stage, &ridge, color, lerp(0.62, 0.4, near), seed);
    }
}

fn shore_wood(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("shore");
    for (tall, haze) in [(0.07, 0.5), (0.1, 0.24)] {
        let tall = stage.unit * tall;
        let mut x = -tall * random.unit();
        while x < stage.width + tall {
            let height = tall * random.range(0.6, 1.2);
            trees::conifer(
                canvas,
                stage,
                (x, stage.horizon + 1.0),
                height,
                haze,
                &mut random,
            );
            x += tall * random.range(0.14, 0.3);
        }
    }
}

// From the horizon forward.
fn middle(canvas: &mut Canvas, stage: &Stage) {
    let scene = stage.scene;
    if scene.is_water() {
        let open = scene.has(Thing::Sea) && !stands_on_land(scene);
        let at = (
            stage.away_from_light(0.74),
            stage.horizon + stage.unit * 0.03,
        );
        let stand = Stand::new(at, stage.unit * 0.44);
        // A lighthouse is painted twice: to be mirrored, and to stand before the water.
        if scene.has(Thing::Lighthouse) {
            landmarks::lighthouse(canvas, stage, stand);
        }
        water::paint(canvas, stage, if open { 1.0 } else { 0.78 });
        if scene.has(Thing::Lighthouse) {
            landmarks::lighthouse(canvas, stage, stand);
        }
        return;
    }
    match () {
        () if scene.has(Thing::Desert) => land::dunes(canvas, stage),
        () if scene.has_any(&[Thing::City, Thing::Town]) => {
            if scene.has(Thing::Town) {
                land::ground(canvas, stage, 0.0);
            }
        }
        () if scene.has(Thing::Forest) => {
            trees::forest(canvas, stage);
            land::ground(canvas, stage, 0.34);
        }
        () => land::hills(
            canvas,
            stage,
            if scene.has(Thing::Hill) { 0.85 } else { 0.5 },
        ),
    }
}

fn stands_on_land(scene: &Scene) -> bool {
    scene.has_any(&BEASTS)
        || scene.has_any(&[
            Thing::Person,
            Thing::House,
            Thing::Meadow,
            Thing::Flower,
            Thing::Tree,
        ])
}

// What stands before us.
fn near(canvas: &mut Canvas, stage: &Stage) {
    let scene = stage.scene;
    let on_land =
        !scene.is_water() || stands_on_land(scene) || scene.has_any(&[Thing::Lake, Thing::River]);
    if scene.is_water() && on_land {
        land::ground(canvas, stage, 0.72);
    }
    let soft =
        on_land && !scene.is_white() && !scene.has_any(&[Thing::Desert, Thing::City, Thing::Town]);
    if soft {
        flowers::grass(canvas, stage, if scene.is_water() { 0.78 } else { 0.45 });
    }
    if scene.has(Thing::Boat) {
        boats(canvas, stage);
    }
    if scene.has(Thing::Whale) {
        whale(canvas, stage);
    }
    if scene.has(Thing::House) {
        cottage(canvas, stage);
    }
    if scene.has(Thing::Forest) && !scene.is_water() {
        trees::frame(canvas, stage);
    }
    if scene.has(Thing::Tree) {
        let mut random = stage.random("tree");
        let foot = (stage.away_from_light(0.7), stage.row(0.62));
        trees::round_tree(canvas, stage, foot, stage.unit * 0.5, 0.04, &mut random);
    }
    if soft && flowers::wanted(stage) {
        flowers::strew(canvas, stage, if scene.is_water() { 0.8 } else { 0.42 });
    }
    subjects(canvas, stage);
}

fn balloons(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("balloons");
    for index in 0..4_usize {
        let near = [0.25, 0.45, 0.7, 1.0][index];
        let x =
            [0.78, 0.3, 0.6, 0.24][index] * stage.width + stage.unit * random.range(-0.06, 0.06);
        let y = stage.horizon * ([0.66, 0.4, 0.36, 0.72][index] + random.range(-0.06, 0.06));
        let color = stage
            .palette
            .far(stage.palette.accent(index + 1), 0.5 * (1.0 - near));
        let stand = Stand::new((x, y), stage.unit * lerp(0.06, 0.27, near));
        things::balloon(canvas, stage, stand, color);
    }
}

fn boats(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("boats");
    let count = if stage.scene.has(Thing::Harbour) {
        6
    } else {
        3
    };
    let mut places: Vec<(f32, f32)> = (0..count)
        .map(|index| {
            let near = (index as f32 + 0.4) / count as f32;
            (lerp(0.05, 0.55, near * near), random.range(0.08, 0.92))
        })
        .collect();
    places.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (index, (near, across)) in places.into_iter().enumerate() {
        let at = (stage.width * across, stage.row(near));
        let sail = stage
            .palette
            .far(stage.palette.accent(index * 3), 0.4 * (0.55 - near));
        let stand = Stand::new(at, stage.unit * lerp(0.07, 0.36, near)).flipped(random.chance(0.5));
        things::boat(canvas, stage, stand, sail);
    }
}

fn whale(canvas: &mut Canvas, stage: &Stage) {
    let palette = stage.palette;
    let stand = Stand {
        at: (stage.width * 0.54, stage.row(0.36)),
        height: stage.unit * 0.34,
        flip: false,
    };
    let hide: Color = palette.water.mix(palette.ink, 0.45);
    let fluke = "M 46 100 C 46 80 44 66 40 54 C 28 56 14 50 4 34 C 18 34 34 36 46 46 C 58 32 76 28 94 26 C 86 42 72 52 58 54 C 56 68 58 84 62 100 Z";
    canvas.fill(&Path::read(fluke).stand(stand), hide);
    let lit = "M 50 100 C 50 80 50 66 48 52 C 60 38 76 30 94 26 C 86 42 72 52 58 54 C 56 68 58 84 62 100 Z";
    canvas.fill(&Path::read(lit).stand(stand), hide.scale(1.25));
    for (grow, alpha) in [(1.0, 0.3), (0.6, 0.4)] {
        let (w, h) = (stage.unit * 0.13 * grow, stage.unit * 0.012 * grow);
        canvas.glaze(
            &Path::ellipse(stand.at.0, stand.at.1, w, h),
            palette.sky[3],
            alpha,
        );
    }
}

fn cottage(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("cottage");
    let x = stage.away_from_light(random.range(0.6, 0.74));
    let low = if stage.scene.is_water() { 0.86 } else { 0.5 };
    let stand = Stand {
        at: (x, stage.row(low)),
        height: stage.unit * 0.27,
        flip: random.chance(0.5),
    };
    let wall = stage.palette.accent(0);
    things::house(canvas, stage, stand, wall, &mut random);
}

fn subjects(canvas: &mut Canvas, stage: &Stage) {
    let scene = stage.scene;
    let mut random = stage.random("subjects");
    let mut subjects: Vec<Thing> = (scene.reading.things.iter().copied())
        .filter(|thing| BEASTS.contains(thing) || *thing == Thing::Person)
        .collect();
    if scene.has(Thing::Umbrella) && !subjects.contains(&Thing::Person) {
        subjects.push(Thing::Person);
    }
    subjects.truncate(4);
    let count = subjects.len() as f32;
    let shift = if count == 1.0 {
        random.range(-0.1, 0.1)
    } else {
        0.0
    };
    for (index, subject) in subjects.into_iter().enumerate() {
        let across = 0.5 + shift + ((index as f32 + 0.5) / count - 0.5) * 0.62;
        let row = lerp(
            stage.horizon,
            stage.height,
            if scene.is_water() { 0.95 } else { 0.82 },
        );
        let at = (
            stage.width * across,
            row + stage.unit * random.range(-0.015, 0.015),
        );
        let share = if count > 2.0 { 0.22 } else { 0.33 };
        let stand = Stand::new(at, stage.unit * share).flipped(random.chance(0.5));
        if subject == Thing::Person {
            things::person(
                canvas,
                stage,
                stand,
                stage.palette.accent(3 + random.index(4)).scale(0.7),
            );
        } else {
            // A colour named with one animal is its own; in a wider scene it is the scene's.
            let tint = scene
                .reading
                .colors
                .first()
                .copied()
                .filter(|_| count == 1.0);
            beasts::paint(canvas, stage.palette, subject, stand, tint);
        }
    }
    if scene.has(Thing::Butterfly) {
        butterflies(canvas, stage);
    }
}

fn butterflies(canvas: &mut Canvas, stage: &Stage) {
    let mut random = stage.random("butterflies");
    for index in 0..9 {
        let at = (
            stage.width * random.range(0.08, 0.92),
            stage.height * random.range(0.45, 0.85),
        );
        let stand =
            Stand::new(at, stage.unit * random.range(0.03, 0.075)).flipped(random.chance(0.5));
        let tone = stage
            .palette
            .accent(index + 1)
            .mix(stage.palette.lamp, 0.25);
        let turned = |text: &str| {
            Path::read(text)
                .map(|(x, y)| (x * 0.9 + y * 0.2 - 5.0, y * 0.9 - x * 0.25 + 15.0))
                .stand(stand)
        };
        canvas.fill(&turned("M 50 50 C 40 20 14 8 4 20 C -2 36 24 54 50 56 Z M 50 50 C 60 20 86 8 96 20 C 102 36 76 54 50 56 Z"), tone);
        canvas.fill(&turned("M 50 56 C 30 56 14 68 20 82 C 28 92 46 78 50 60 Z M 50 56 C 70 56 86 68 80 82 C 72 92 54 78 50 60 Z"), tone.scale(0.8));
        canvas.fill(
            &turned("M 48 34 L 52 34 L 51.5 80 L 48.5 80 Z"),
            stage.palette.ink,
        );
    }
}
