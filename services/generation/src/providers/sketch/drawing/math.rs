//! Arithmetic that gives the same picture everywhere: only operations IEEE 754 makes exact, since
//! the `sin` and `exp` of one machine's library differ from another's in the last bit.

/// One full turn of a circle in radians.
pub const TURN: f32 = std::f32::consts::TAU;

/// Between `a` and `b`.
pub fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// 0 below `low`, 1 above `high`, smooth between; also downwards, when `low > high`.
pub fn smoothstep(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// The sine of an angle in turns, to about a thousandth.
pub fn wave(turns: f32) -> f32 {
    let t = turns - (turns + 0.5).floor();
    let coarse = 8.0 * t - 16.0 * t * t.abs();
    coarse + 0.225 * (coarse * coarse.abs() - coarse)
}

/// The sine of an angle in radians.
pub fn sin(angle: f32) -> f32 {
    wave(angle / TURN)
}

/// The cosine of an angle in radians.
pub fn cos(angle: f32) -> f32 {
    wave(angle / TURN + 0.25)
}

/// `exp(-x)` for `x >= 0`, to about a hundredth: how light falls off.
pub fn fade(x: f32) -> f32 {
    let x = x.max(0.0);
    let base = 1.0 / (1.0 + x / 16.0 + x * x / 512.0);
    let fourth = base * base * base * base;
    fourth * fourth * fourth * fourth
}

/// The length of a vector.
pub fn length(x: f32, y: f32) -> f32 {
    (x * x + y * y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn approximations_are_close() {
        for step in 0..400 {
            let x = step as f32 * 0.05 - 10.0;
            assert!((sin(x) - x.sin()).abs() < 2e-3, "sin {x}");
            assert!((cos(x) - x.cos()).abs() < 2e-3, "cos {x}");
            let y = step as f32 * 0.02;
            assert!((fade(y) - (-y).exp()).abs() < 1e-2, "fade {y}");
        }
    }

    #[test]
    fn smoothstep_goes_both_ways() {
        assert_eq!(smoothstep(0.0, 1.0, -1.0), 0.0);
        assert_eq!(smoothstep(0.0, 1.0, 2.0), 1.0);
        assert_eq!(smoothstep(1.0, 0.0, 2.0), 0.0);
        assert_eq!(smoothstep(1.0, 0.0, 0.5), 0.5);
    }
}
