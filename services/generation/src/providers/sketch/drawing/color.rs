//! Colours as light between 0 and 1, and the few ways they are mixed.

use super::math::lerp;

/// A colour in the sRGB encoding, each part 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Color {
    /// Red.
    pub r: f32,
    /// Green.
    pub g: f32,
    /// Blue.
    pub b: f32,
}

/// Black.
pub const BLACK: Color = hex(0x00_0000);
/// White.
pub const WHITE: Color = hex(0xff_ffff);

/// A colour as written in design tools, `0xrrggbb`.
pub const fn hex(code: u32) -> Color {
    Color {
        r: ((code >> 16) & 0xff) as f32 / 255.0,
        g: ((code >> 8) & 0xff) as f32 / 255.0,
        b: (code & 0xff) as f32 / 255.0,
    }
}

impl Color {
    /// Between this and another.
    pub fn mix(self, other: Self, t: f32) -> Self {
        Self {
            r: lerp(self.r, other.r, t),
            g: lerp(self.g, other.g, t),
            b: lerp(self.b, other.b, t),
        }
    }

    /// Brighter (above 1) or darker.
    pub fn scale(self, by: f32) -> Self {
        Self {
            r: self.r * by,
            g: self.g * by,
            b: self.b * by,
        }
    }

    /// Light laid over light, which never exceeds white.
    pub fn screen(self, light: Self, amount: f32) -> Self {
        let over = |a: f32, b: f32| 1.0 - (1.0 - a) * (1.0 - (b * amount).clamp(0.0, 1.0));
        Self {
            r: over(self.r, light.r),
            g: over(self.g, light.g),
            b: over(self.b, light.b),
        }
    }

    /// How bright it looks.
    pub fn luma(self) -> f32 {
        0.299 * self.r + 0.587 * self.g + 0.114 * self.b
    }

    /// More (above 1) or less colourful.
    pub fn saturate(self, by: f32) -> Self {
        let grey = self.luma();
        let grey = Self {
            r: grey,
            g: grey,
            b: grey,
        };
        grey.mix(self, by)
    }

    /// This brightness in the hue of another.
    pub fn tint(self, hue: Self, amount: f32) -> Self {
        let own = self.luma();
        let there = hue.luma().max(0.02);
        let toned = if own <= there {
            hue.scale(own / there)
        } else {
            hue.mix(WHITE, (own - there) / (1.0 - there).max(0.02))
        };
        self.mix(toned, amount)
    }

    /// A hue (0 to 1 around the wheel), saturation and lightness.
    pub fn hsl(hue: f32, saturation: f32, lightness: f32) -> Self {
        let part = |offset: f32| {
            let turn = hue + offset;
            let k = (turn - turn.floor()) * 6.0;
            let rise = (2.0 - (k - 3.0).abs()).clamp(0.0, 1.0).min(1.0);
            let chroma = (1.0 - (2.0 * lightness - 1.0).abs()) * saturation;
            lightness + chroma * (rise - 0.5)
        };
        Self {
            r: part(0.5),
            g: part(1.0 / 6.0),
            b: part(5.0 / 6.0),
        }
    }

    /// The parts as bytes, with `dither` (-0.5 to 0.5) against banding.
    pub fn to_bytes(self, dither: f32) -> [u8; 3] {
        let byte = |x: f32| (x * 255.0 + 0.5 + dither).clamp(0.0, 255.0) as u8;
        [byte(self.r), byte(self.g), byte(self.b)]
    }
}

/// The colour at `t` (0 to 1) of a row of evenly spaced ones.
pub fn gradient(stops: &[Color], t: f32) -> Color {
    let Some(last) = stops.len().checked_sub(1) else {
        return BLACK;
    };
    let place = t.clamp(0.0, 1.0) * last as f32;
    let index = (place as usize).min(last.saturating_sub(1));
    let next = (index + 1).min(last);
    stops[index].mix(stops[next], place - index as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hues_go_around_the_wheel() {
        let near =
            |a: Color, b: Color| (a.r - b.r).abs() + (a.g - b.g).abs() + (a.b - b.b).abs() < 0.02;
        assert!(near(Color::hsl(0.0, 1.0, 0.5), hex(0xff0000)));
        assert!(near(Color::hsl(1.0 / 3.0, 1.0, 0.5), hex(0x00ff00)));
        assert!(near(Color::hsl(2.0 / 3.0, 1.0, 0.5), hex(0x0000ff)));
        assert!(near(Color::hsl(1.0 / 6.0, 1.0, 0.5), hex(0xffff00)));
    }

    #[test]
    fn gradients_hold_their_ends() {
        let stops = [BLACK, hex(0x808080), WHITE];
        assert_eq!(gradient(&stops, -1.0), BLACK);
        assert_eq!(gradient(&stops, 2.0), WHITE);
        assert_eq!(gradient(&[], 0.5), BLACK);
        assert_eq!(gradient(&[WHITE], 0.5), WHITE);
    }

    #[test]
    fn bytes_are_rounded_and_bounded() {
        assert_eq!(WHITE.scale(2.0).to_bytes(0.4), [255, 255, 255]);
        assert_eq!(hex(0x336699).to_bytes(0.0), [0x33, 0x66, 0x99]);
    }
}
