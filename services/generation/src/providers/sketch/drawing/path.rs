//! Outlines: straight lines and curves, flattened as they are built.

use super::math::{TURN, cos, sin};

/// A place on the canvas, in pixels.
pub type Point = (f32, f32);

/// Closed outlines.
#[derive(Debug, Clone, Default)]
pub struct Path {
    /// Each is closed: the last point joins the first.
    pub loops: Vec<Vec<Point>>,
}

/// How a shape drawn in a box of 100 by 100 stands on the canvas: its feet at (50, 100).
#[derive(Debug, Clone, Copy)]
pub struct Stand {
    /// Where the feet are, in pixels.
    pub at: Point,
    /// Pixels for the height of the box.
    pub height: f32,
    /// Whether it looks the other way.
    pub flip: bool,
}

impl Path {
    /// One outline.
    pub fn polygon(points: &[Point]) -> Self {
        Self {
            loops: vec![points.to_vec()],
        }
    }

    /// A rectangle.
    pub fn rect(x: f32, y: f32, width: f32, height: f32) -> Self {
        Self::polygon(&[
            (x, y),
            (x + width, y),
            (x + width, y + height),
            (x, y + height),
        ])
    }

    /// An ellipse.
    pub fn ellipse(x: f32, y: f32, radius_x: f32, radius_y: f32) -> Self {
        let steps = (10.0 + 2.2 * radius_x.abs().max(radius_y.abs())).min(180.0) as usize;
        let points = (0..steps).map(|step| {
            let angle = step as f32 / steps as f32 * TURN;
            (x + radius_x * cos(angle), y + radius_y * sin(angle))
        });
        Self {
            loops: vec![points.collect()],
        }
    }

    /// A line of a width that may taper, as a four-sided outline.
    pub fn line(from: Point, to: Point, width_from: f32, width_to: f32) -> Self {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = super::math::length(dx, dy).max(1e-3);
        let (nx, ny) = (-dy / length * 0.5, dx / length * 0.5);
        Self::polygon(&[
            (from.0 + nx * width_from, from.1 + ny * width_from),
            (to.0 + nx * width_to, to.1 + ny * width_to),
            (to.0 - nx * width_to, to.1 - ny * width_to),
            (from.0 - nx * width_from, from.1 - ny * width_from),
        ])
    }

    /// Reads an outline written as `M x y`, `L x y`, `Q cx cy x y`, `C ax ay bx by x y` and `Z`,
    /// all absolute. What is malformed is left out: the texts are ours, and a test reads each.
    pub fn read(text: &str) -> Self {
        let mut path = Self::default();
        let mut current: Vec<Point> = Vec::new();
        let mut words = text.split_ascii_whitespace();
        while let Some(command) = words.next() {
            let count = match command {
                "M" | "L" => 2,
                "Q" => 4,
                "C" => 6,
                _ => 0,
            };
            let numbers: Vec<f32> = (words.by_ref().take(count))
                .filter_map(|word| word.parse().ok())
                .collect();
            let last = current.last().copied().unwrap_or_default();
            match (command, numbers.as_slice()) {
                ("M", &[x, y]) => {
                    if !current.is_empty() {
                        path.loops.push(std::mem::take(&mut current));
                    }
                    current.push((x, y));
                }
                ("L", &[x, y]) => current.push((x, y)),
                ("Q", &[cx, cy, x, y]) => {
                    let a = (last.0 + (cx - last.0) / 1.5, last.1 + (cy - last.1) / 1.5);
                    let b = (x + (cx - x) / 1.5, y + (cy - y) / 1.5);
                    curve(&mut current, a, b, (x, y));
                }
                ("C", &[ax, ay, bx, by, x, y]) => curve(&mut current, (ax, ay), (bx, by), (x, y)),
                _ => {}
            }
        }
        if !current.is_empty() {
            path.loops.push(current);
        }
        path
    }

    /// The same outline with each point moved.
    pub fn map(mut self, place: impl Fn(Point) -> Point) -> Self {
        for point in self.loops.iter_mut().flatten() {
            *point = place(*point);
        }
        self
    }

    /// Stands a shape of the 100 by 100 box on the canvas.
    pub fn stand(self, stand: Stand) -> Self {
        self.map(|point| stand.place(point))
    }

    /// Adds the outlines of another.
    pub fn and(mut self, other: Self) -> Self {
        self.loops.extend(other.loops);
        self
    }
}

impl Stand {
    /// A shape of a height with its feet at a place.
    pub fn new(at: Point, height: f32) -> Self {
        Self {
            at,
            height,
            flip: false,
        }
    }

    /// Looking the other way, if so.
    pub fn flipped(self, flip: bool) -> Self {
        Self { flip, ..self }
    }

    /// Where a point of the box is on the canvas.
    pub fn place(self, (x, y): Point) -> Point {
        let unit = self.height / 100.0;
        let side = if self.flip { -1.0 } else { 1.0 };
        (
            self.at.0 + (x - 50.0) * unit * side,
            self.at.1 + (y - 100.0) * unit,
        )
    }
}

fn curve(points: &mut Vec<Point>, a: Point, b: Point, end: Point) {
    const STEPS: usize = 14;
    let start = points.last().copied().unwrap_or_default();
    for step in 1..=STEPS {
        let t = step as f32 / STEPS as f32;
        let u = 1.0 - t;
        let blend = |s: f32, a: f32, b: f32, e: f32| {
            u * u * u * s + 3.0 * u * u * t * a + 3.0 * u * t * t * b + t * t * t * e
        };
        points.push((
            blend(start.0, a.0, b.0, end.0),
            blend(start.1, a.1, b.1, end.1),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_written() {
        let path = Path::read("M 0 0 L 10 0 Q 10 10 0 10 Z M 20 20 C 21 20 22 21 22 22 Z");
        assert_eq!(path.loops.len(), 2);
        assert_eq!(path.loops[0].len(), 16);
        assert_eq!(path.loops[0].last(), Some(&(0.0, 10.0)));
        assert!(Path::read("nonsense M x").loops.is_empty());
    }

    #[test]
    fn stands_on_its_feet() {
        let stand = Stand {
            at: (30.0, 80.0),
            height: 50.0,
            flip: true,
        };
        assert_eq!(stand.place((50.0, 100.0)), (30.0, 80.0));
        assert_eq!(stand.place((60.0, 0.0)), (25.0, 30.0));
    }
}
