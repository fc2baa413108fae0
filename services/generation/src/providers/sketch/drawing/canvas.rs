//! The canvas: a field of colours, and outlines filled on it with smooth edges.

use super::color::{BLACK, Color};
use super::path::{Path, Point};

/// Lines looked at in each pixel row; across a row, cover is exact.
const SUBROWS: i32 = 5;

/// A picture being painted.
#[derive(Debug, Clone)]
pub struct Canvas {
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// Row by row.
    pub pixels: Vec<Color>,
    crossings: Vec<Crossing>,
    cover: Vec<f32>,
}

#[derive(Debug, Clone, Copy)]
struct Crossing {
    row: i32,
    x: f32,
    turn: i32,
}

impl Canvas {
    /// A black canvas.
    pub fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            pixels: vec![BLACK; width * height],
            crossings: Vec::new(),
            cover: Vec::new(),
        }
    }

    /// The shorter side: what the sizes of things are measured by.
    pub fn unit(&self) -> f32 {
        self.width.min(self.height) as f32
    }

    /// Width and height as lengths.
    pub fn size(&self) -> (f32, f32) {
        (self.width as f32, self.height as f32)
    }

    /// The colour at a place; the edge's colour outside.
    pub fn at(&self, x: i32, y: i32) -> Color {
        let x = x.clamp(0, self.width as i32 - 1) as usize;
        let y = y.clamp(0, self.height as i32 - 1) as usize;
        self.pixels[y * self.width + x]
    }

    /// Paints every pixel anew from its place and colour.
    pub fn each(&mut self, paint: impl Fn(f32, f32, Color) -> Color) {
        self.rows(0, self.height, paint);
    }

    /// Paints the rows `from` to below `to` anew.
    pub fn rows(&mut self, from: usize, to: usize, paint: impl Fn(f32, f32, Color) -> Color) {
        let width = self.width;
        let to = to.min(self.height);
        for y in from.min(to)..to {
            let row = &mut self.pixels[y * width..(y + 1) * width];
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = paint(x as f32 + 0.5, y as f32 + 0.5, *pixel);
            }
        }
    }

    /// Paints the pixels within `radius` of a place anew.
    pub fn around(&mut self, at: Point, radius: f32, paint: impl Fn(f32, f32, Color) -> Color) {
        let low = |v: f32, top: usize| v.clamp(0.0, top as f32) as usize;
        let (x0, x1) = (
            low(at.0 - radius, self.width),
            low(at.0 + radius + 1.0, self.width),
        );
        let (y0, y1) = (
            low(at.1 - radius, self.height),
            low(at.1 + radius + 1.0, self.height),
        );
        for y in y0..y1 {
            for x in x0..x1 {
                let pixel = &mut self.pixels[y * self.width + x];
                *pixel = paint(x as f32 + 0.5, y as f32 + 0.5, *pixel);
            }
        }
    }

    /// Fills outlines with one colour.
    pub fn fill(&mut self, path: &Path, color: Color) {
        self.fill_with(path, 1.0, |_, _, _| color);
    }

    /// Fills outlines with one colour that lets through what is below.
    pub fn glaze(&mut self, path: &Path, color: Color, alpha: f32) {
        self.fill_with(path, alpha, |_, _, _| color);
    }

    /// Fills outlines with a colour for each place, given what is there.
    pub fn fill_with(&mut self, path: &Path, alpha: f32, paint: impl Fn(f32, f32, Color) -> Color) {
        let mut crossings = std::mem::take(&mut self.crossings);
        crossings.clear();
        for points in &path.loops {
            for (index, &from) in points.iter().enumerate() {
                let to = points[(index + 1) % points.len()];
                self.cross(from, to, &mut crossings);
            }
        }
        crossings.sort_unstable_by(|a, b| a.row.cmp(&b.row).then(a.x.total_cmp(&b.x)));
        let mut rest = crossings.as_slice();
        while let Some(first) = rest.first() {
            let y = first.row.div_euclid(SUBROWS);
            let end = rest.partition_point(|one| one.row.div_euclid(SUBROWS) == y);
            let (row, later) = rest.split_at(end);
            self.fill_row(y as usize, row, alpha, &paint);
            rest = later;
        }
        self.crossings = crossings;
    }

    // Where an edge crosses the lines looked at.
    fn cross(&self, from: Point, to: Point, crossings: &mut Vec<Crossing>) {
        let (turn, top, low) = if from.1 < to.1 {
            (1, from, to)
        } else {
            (-1, to, from)
        };
        let is_level = low.1 == top.1;
        if is_level
            || ![low.0, low.1, top.0, top.1]
                .iter()
                .all(|part| part.is_finite())
        {
            return;
        }
        let last_row = self.height as i32 * SUBROWS - 1;
        let step = 1.0 / SUBROWS as f32;
        // A line lies in the middle of its share of the pixel row.
        let first = (top.1 / step - 0.5).ceil().max(0.0) as i32;
        let last = ((low.1 / step - 0.5).ceil() as i32 - 1).min(last_row);
        let slope = (low.0 - top.0) / (low.1 - top.1);
        for row in first..=last {
            let y = (row as f32 + 0.5) * step;
            let x = top.0 + (y - top.1) * slope;
            crossings.push(Crossing { row, x, turn });
        }
    }

    fn fill_row(
        &mut self,
        y: usize,
        crossings: &[Crossing],
        alpha: f32,
        paint: &impl Fn(f32, f32, Color) -> Color,
    ) {
        let width = self.width;
        let mut cover = std::mem::take(&mut self.cover);
        cover.resize(width + 2, 0.0);
        let (mut low, mut high) = (width, 0);
        let mut winding = 0;
        for pair in crossings.windows(2) {
            winding += pair[0].turn;
            if pair[0].row != pair[1].row {
                winding = 0;
            } else if winding != 0 {
                let from = pair[0].x.clamp(0.0, width as f32);
                let to = pair[1].x.clamp(0.0, width as f32);
                if to > from {
                    add_span(&mut cover, from, to);
                    low = low.min(from as usize);
                    high = high.max((to.ceil() as usize).min(width));
                }
            }
        }
        let share = alpha / SUBROWS as f32;
        let mut sum = 0.0;
        for (x, change) in cover.iter().enumerate().take(high).skip(low) {
            sum += change;
            let amount = (sum * share).clamp(0.0, 1.0);
            if amount > 1e-3 {
                let pixel = &mut self.pixels[y * width + x];
                let color = paint(x as f32 + 0.5, y as f32 + 0.5, *pixel);
                *pixel = pixel.mix(color, amount);
            }
        }
        if low < high {
            cover[low..(high + 2).min(width + 2)].fill(0.0);
        }
        self.cover = cover;
    }
}

// Adds a span to a row kept as differences: its sum up to x is the cover of x.
fn add_span(cover: &mut [f32], from: f32, to: f32) {
    let (first, last) = (from as usize, to as usize);
    let (into_first, into_last) = (from - first as f32, to - last as f32);
    cover[first] += 1.0 - into_first;
    cover[first + 1] += into_first;
    cover[last] -= 1.0 - into_last;
    cover[last + 1] -= into_last;
}

#[cfg(test)]
mod tests {
    use super::super::color::WHITE;
    use super::*;

    fn light(canvas: &Canvas) -> f32 {
        canvas.pixels.iter().map(|pixel| pixel.r).sum()
    }

    #[test]
    fn covers_exactly_the_area() {
        let mut canvas = Canvas::new(40, 30);
        canvas.fill(&Path::rect(3.25, 4.0, 10.5, 8.0), WHITE);
        assert!((light(&canvas) - 84.0).abs() < 0.1, "{}", light(&canvas));
        let mut canvas = Canvas::new(40, 30);
        canvas.fill(&Path::ellipse(20.0, 15.0, 9.0, 7.0), WHITE);
        let area = std::f32::consts::PI * 63.0;
        assert!((light(&canvas) - area).abs() < 4.0, "{}", light(&canvas));
    }

    #[test]
    fn what_lies_outside_is_cut_off() {
        let mut canvas = Canvas::new(16, 16);
        canvas.fill(&Path::rect(-50.0, -50.0, 500.0, 58.0), WHITE);
        assert!((light(&canvas) - 128.0).abs() < 0.1, "{}", light(&canvas));
        canvas.fill(&Path::rect(f32::NAN, 0.0, f32::INFINITY, 3.0), BLACK);
        canvas.fill(&Path::rect(20.0, 20.0, 5.0, 5.0), WHITE);
        assert!(light(&canvas) <= 128.1);
    }

    #[test]
    fn overlapping_outlines_are_one() {
        let mut canvas = Canvas::new(16, 16);
        let both = Path::rect(2.0, 2.0, 6.0, 6.0).and(Path::rect(4.0, 4.0, 6.0, 6.0));
        canvas.fill(&both, WHITE);
        assert!((light(&canvas) - 56.0).abs() < 0.1, "{}", light(&canvas));
    }
}
