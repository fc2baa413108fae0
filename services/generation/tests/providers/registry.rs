//! Which providers there are, and which an order may go to that names none.

use crate::order::{KEY, registry};

fn automatic(pairs: &[(&str, &str)]) -> Vec<String> {
    let all = registry(pairs);
    all.automatic()
        .map(|provider| provider.name().to_owned())
        .collect()
}

#[test]
fn all_are_known_by_name() {
    let all = registry(&[("SDXL_KEY", KEY)]);
    let shown: Vec<(&str, bool)> = all
        .iter()
        .map(|known| (known.name.as_str(), known.provider.is_some()))
        .collect();
    assert_eq!(
        shown,
        [
            ("a1111", false),
            ("compatible", false),
            ("fal", false),
            ("flux", false),
            ("gemini", false),
            ("openai", false),
            ("replicate", false),
            ("sdxl", true),
            ("sketch", true),
            ("stability", false),
        ]
    );
    assert!(all.iter().all(|known| !known.models.is_empty()));
    assert!(all.get("sdxl").unwrap().provider.is_some());
    assert!(all.get("dall-e").is_none());
}

#[test]
fn the_drawing_stands_in_only_where_nothing_else_is() {
    assert_eq!(automatic(&[]), ["sketch"]);
    assert_eq!(automatic(&[("SKETCH", "off")]), Vec::<String>::new());
    assert_eq!(
        automatic(&[("GEMINI_KEY", KEY), ("FLUX_KEY", KEY)]),
        ["flux", "gemini"]
    );
    let all = registry(&[("GEMINI_KEY", KEY)]);
    assert!(
        all.get("sketch").unwrap().provider.is_some(),
        "named, it still draws"
    );
}

#[test]
fn a_key_is_never_printed() {
    let source = config::MapSource::from([("BOTTEGA_PROVIDER_GEMINI_KEY", KEY)]);
    let mut reader = config::Reader::new(&source);
    let config = generation::providers::Config::read(&mut reader);
    let effective = reader.finish().unwrap();
    let shown = format!("{config:?} {effective:?}");
    assert!(!shown.contains(KEY), "{shown}");
}
