//! Smooth noise: what makes ridges, clouds, marble and paper look grown rather than ruled.

use super::random::lattice;

fn ease(t: f32) -> f32 {
    t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
}

/// Smooth noise along a line, 0 to 1.
pub fn noise1(x: f32, seed: u32) -> f32 {
    let cell = x.floor();
    let t = ease(x - cell);
    let i = cell as i32;
    let (a, b) = (lattice(i, 0, seed), lattice(i + 1, 0, seed));
    a + (b - a) * t
}

/// Smooth noise on a plane, 0 to 1.
pub fn noise2(x: f32, y: f32, seed: u32) -> f32 {
    let (cell_x, cell_y) = (x.floor(), y.floor());
    let (tx, ty) = (ease(x - cell_x), ease(y - cell_y));
    let (i, j) = (cell_x as i32, cell_y as i32);
    let top = lattice(i, j, seed) * (1.0 - tx) + lattice(i + 1, j, seed) * tx;
    let low = lattice(i, j + 1, seed) * (1.0 - tx) + lattice(i + 1, j + 1, seed) * tx;
    top + (low - top) * ty
}

/// Several octaves of [`noise1`], 0 to 1.
pub fn fbm1(x: f32, octaves: u32, seed: u32) -> f32 {
    octave_sum(octaves, |scale, octave| {
        noise1(x * scale + 17.3 * octave as f32, seed.wrapping_add(octave))
    })
}

/// Several octaves of [`noise2`], 0 to 1.
pub fn fbm2(x: f32, y: f32, octaves: u32, seed: u32) -> f32 {
    octave_sum(octaves, |scale, octave| {
        let shift = 19.7 * octave as f32;
        noise2(
            x * scale + shift,
            y * scale - shift,
            seed.wrapping_add(octave),
        )
    })
}

/// Sharp crests, as of mountains, 0 to 1.
pub fn ridged1(x: f32, octaves: u32, seed: u32) -> f32 {
    octave_sum(octaves, |scale, octave| {
        let n = noise1(x * scale + 31.1 * octave as f32, seed.wrapping_add(octave));
        1.0 - (2.0 * n - 1.0).abs()
    })
}

fn octave_sum(octaves: u32, noise: impl Fn(f32, u32) -> f32) -> f32 {
    let (mut sum, mut total, mut weight, mut scale) = (0.0, 0.0, 1.0, 1.0);
    for octave in 0..octaves {
        sum += weight * noise(scale, octave);
        total += weight;
        weight *= 0.5;
        scale *= 2.03;
    }
    sum / total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_in_range_and_is_smooth() {
        let mut before = fbm2(0.0, 3.3, 4, 5);
        for step in 1..2000 {
            let x = step as f32 * 0.01 - 10.0;
            let value = fbm2(x, 3.3, 4, 5);
            assert!((0.0..=1.0).contains(&value));
            if step > 1 {
                assert!((value - before).abs() < 0.12, "jump at {x}");
            }
            before = value;
            assert!((0.0..=1.0).contains(&ridged1(x, 5, 1)));
            assert!((0.0..=1.0).contains(&fbm1(x, 5, 1)));
        }
    }
}
