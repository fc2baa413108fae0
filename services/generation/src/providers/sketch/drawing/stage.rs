//! The stage of a landscape: where the horizon lies, where the light stands, how far is far.

use super::canvas::Canvas;
use super::math::lerp;
use super::palette::Palette;
use super::path::Point;
use super::random::Random;
use super::scene::{Scene, Time};
use super::words::Thing;

/// What every layer of a landscape needs to know.
#[derive(Debug)]
pub struct Stage<'a> {
    /// What is painted.
    pub scene: &'a Scene,
    /// With which colours.
    pub palette: &'a Palette,
    /// Width of the canvas.
    pub width: f32,
    /// Height of the canvas.
    pub height: f32,
    /// The shorter side.
    pub unit: f32,
    /// Where sky meets land.
    pub horizon: f32,
    /// Where sun or moon stands.
    pub light: Point,
}

impl<'a> Stage<'a> {
    /// Sets the stage.
    pub fn new(canvas: &Canvas, scene: &'a Scene, palette: &'a Palette) -> Self {
        let mut random = scene.random.part("stage");
        let (width, height) = canvas.size();
        let share = match () {
            () if scene.has_any(&[Thing::City, Thing::Town]) && scene.is_water() => 0.66,
            () if scene.has(Thing::Sea) => 0.58,
            () if scene.has(Thing::City) => 0.74,
            () if scene.is_water() => 0.6,
            () if scene.has(Thing::Forest) => 0.62,
            () => 0.56,
        };
        let horizon = height * (share + random.range(-0.03, 0.03));
        let low = matches!(scene.time, Time::Dusk | Time::Dawn);
        let rise = if low {
            random.range(0.12, 0.3)
        } else {
            random.range(0.5, 0.74)
        };
        let side = random.range(0.2, 0.42);
        let x = if random.chance(0.5) { side } else { 1.0 - side };
        Self {
            scene,
            palette,
            width,
            height,
            unit: canvas.unit(),
            horizon,
            light: (width * x, horizon * (1.0 - rise)),
        }
    }

    /// Chance of its own for one layer.
    pub fn random(&self, name: &str) -> Random {
        self.scene.random.part(name)
    }

    /// The row of a distance: 0 the horizon, 1 the lower edge.
    pub fn row(&self, nearness: f32) -> f32 {
        lerp(self.horizon, self.height, nearness)
    }

    /// A place across, on the side where the light does not stand; `share` above a half.
    pub fn away_from_light(&self, share: f32) -> f32 {
        let light_is_left = self.light.0 < self.width * 0.5;
        self.width * if light_is_left { share } else { 1.0 - share }
    }

    /// Whether it is dark enough for lamps.
    pub fn is_dark(&self) -> bool {
        self.scene.time == Time::Night
            || (self.scene.time == Time::Dusk && self.scene.has_any(&[Thing::City, Thing::Town]))
            || (self.scene.time == Time::Dusk && self.scene.has(Thing::House))
    }
}
