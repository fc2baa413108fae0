//! Aspect ratios, for providers that take one in place of a size.

/// The ratio nearest to a size, out of `offered`, each written `16:9`.
pub fn nearest<'a>(offered: &[&'a str], width: u32, height: u32) -> &'a str {
    let wanted = ratio(width, height);
    let distance = |name: &str| {
        let (w, h) = name.split_once(':').unwrap_or((name, "1"));
        let parse = |text: &str| text.parse().unwrap_or(1);
        let offered = ratio(parse(w), parse(h));
        // By how many times they differ, not by how much: 2:1 is as far from 1:1 as 1:2 is.
        (offered / wanted).max(wanted / offered)
    };
    let best = offered
        .iter()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)));
    best.copied().unwrap_or("1:1")
}

fn ratio(width: u32, height: u32) -> f64 {
    f64::from(width.max(1)) / f64::from(height.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_found() {
        let offered = ["1:1", "2:3", "3:2", "9:16", "16:9", "21:9"];
        for ((width, height), want) in [
            ((1024, 1024), "1:1"),
            ((1920, 1080), "16:9"),
            ((1080, 1920), "9:16"),
            ((1000, 1500), "2:3"),
            ((4000, 64), "21:9"),
            ((0, 0), "1:1"),
        ] {
            assert_eq!(nearest(&offered, width, height), want, "{width}x{height}");
        }
    }
}
