//! Water: what stands above it, mirrored and broken by waves, with the light's path on it.

use super::canvas::Canvas;
use super::math::{fade, lerp, smoothstep};
use super::noise::{fbm2, noise2};
use super::scene::Time;
use super::stage::Stage;
use super::words::Thing;

/// Paints water from the horizon to `nearness`, mirroring what was painted above.
pub fn paint(canvas: &mut Canvas, stage: &Stage, nearness: f32) {
    let mut random = stage.random("water");
    let seed = random.field();
    let open = stage.scene.has(Thing::Sea);
    let rough = match () {
        () if stage.scene.has(Thing::Storm) => 2.2,
        () if stage.scene.has(Thing::Calm) => 0.35,
        () if open => 1.0,
        () => 0.5,
    };
    let above = canvas.clone();
    let top = stage.horizon as usize;
    let low = stage.row(nearness);
    let deep = (stage.height - stage.horizon).max(1.0);
    let palette = stage.palette;
    let stretch = (stage.horizon / deep).min(1.15);
    canvas.rows(top, low as usize + 1, |x, y, _| {
        let down = (y - stage.horizon) / deep;
        // Waves are seen ever larger towards the viewer.
        let size = stage.unit * lerp(0.004, 0.03, down);
        let u = x / (size * 5.5);
        let v = (y - stage.horizon) / size;
        let swell = fbm2(u, v, 2, seed) - 0.5;
        let chop = noise2(u * 2.7, v * 1.6, seed ^ 77) - 0.5;
        let sway = (swell * 2.6 + chop) * size * rough;
        let mirror_y = stage.horizon - (y - stage.horizon) * stretch - sway.abs() * 1.5;
        let mirror = above.at((x + sway * 1.6) as i32, mirror_y as i32);
        let depth = 0.24 + 0.42 * smoothstep(0.0, 1.0, down);
        let crest = smoothstep(0.16, 0.34, swell + chop * 0.4) * rough.min(1.3);
        let color = mirror.mix(palette.water, depth);
        let color = color.mix(palette.sky[2], crest * 0.2);
        let trough = smoothstep(-0.14, -0.34, swell) * rough.min(1.3);
        color.mix(palette.water.scale(0.72), trough * 0.35)
    });
    glitter(canvas, stage, low, seed);
    shore_line(canvas, stage);
}

fn glitter(canvas: &mut Canvas, stage: &Stage, low: f32, seed: u32) {
    let scene = stage.scene;
    if scene.has_any(&[Thing::Rain, Thing::Storm, Thing::Fog]) {
        return;
    }
    let strength = match scene.time {
        Time::Day => 0.4,
        Time::Night => 0.55,
        Time::Dawn | Time::Dusk => 0.85,
    };
    let light = stage.palette.light;
    let deep = (stage.height - stage.horizon).max(1.0);
    canvas.rows(stage.horizon as usize, low as usize + 1, |x, y, color| {
        let down = (y - stage.horizon) / deep;
        let wide = stage.unit * lerp(0.035, 0.17, down);
        let off = (x - stage.light.0).abs() / wide;
        if off > 3.0 {
            return color;
        }
        let size = stage.unit * lerp(0.0028, 0.013, down);
        let spark = noise2(x / (size * 4.2), y / size, seed ^ 0x55);
        let bound = 0.46 + 0.2 * off;
        let amount = smoothstep(bound, bound + 0.12, spark) * fade(off * 0.8);
        color.screen(light, amount * strength * lerp(1.0, 0.6, down))
    });
}

// A thin bright line where water meets land makes it lie flat.
fn shore_line(canvas: &mut Canvas, stage: &Stage) {
    let tone = stage.palette.sky[3];
    let thick = (stage.unit * 0.0022).max(1.0);
    let top = stage.horizon as usize;
    canvas.rows(
        top,
        (stage.horizon + thick * 3.0) as usize + 1,
        |_, y, color| {
            let near = fade(((y - stage.horizon) / thick).abs());
            color.mix(tone, 0.42 * near)
        },
    );
}
