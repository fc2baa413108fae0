//! Reads a prompt: which of its words bring things and colours into the picture.

use super::color::{Color, hex};
pub use super::vocabulary::Thing;
use super::vocabulary::{COLORS, THINGS};

/// A prompt may be long; what matters is said first.
const WORDS_READ: usize = 400;

/// What was read out of a text.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Things, in the order they were named, each once.
    pub things: Vec<Thing>,
    /// Colours, in the order they were named.
    pub colors: Vec<Color>,
    /// Words that mean nothing here, joined: they still decide chance and palette.
    pub rest: String,
}

/// Reads a text: words that are known, two together before one alone.
pub fn read(text: &str) -> Reading {
    let lower = text.to_lowercase();
    let words: Vec<&str> = (lower.split(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .take(WORDS_READ)
        .collect();
    let mut reading = Reading::default();
    let mut index = 0;
    while index < words.len() {
        let pair = words
            .get(index + 1)
            .map(|next| format!("{}_{next}", words[index]));
        if let Some(thing) = pair.as_deref().and_then(thing_of) {
            reading.add(thing);
            index += 2;
            continue;
        }
        let word = words[index];
        // A colour word before a thing colours it: "orange cat" is no fruit.
        let colors_next = color_of(word).is_some()
            && (words.get(index + 1))
                .is_some_and(|next| thing_of(next).is_some() || *next == "and");
        let thing = thing_of(word).filter(|_| !colors_next);
        let color = color_of(word);
        if let Some(thing) = thing {
            reading.add(thing);
        }
        if let Some(color) = color {
            reading.colors.push(color);
        }
        if thing.is_none() && color.is_none() {
            reading.rest.push_str(word);
            reading.rest.push(' ');
        }
        index += 1;
    }
    reading
}

impl Reading {
    fn add(&mut self, thing: Thing) {
        if !self.things.contains(&thing) {
            self.things.push(thing);
        }
    }

    /// Whether a thing was named.
    pub fn has(&self, thing: Thing) -> bool {
        self.things.contains(&thing)
    }

    /// Takes out what another reading names.
    pub fn remove(&mut self, other: &Self) {
        self.things.retain(|thing| !other.has(*thing));
        self.colors.retain(|color| !other.colors.contains(color));
    }
}

fn thing_of(word: &str) -> Option<Thing> {
    singulars(word).find_map(|word| {
        (THINGS.iter())
            .find(|(_, known)| known.split_ascii_whitespace().any(|known| known == word))
            .map(|(thing, _)| *thing)
    })
}

fn color_of(word: &str) -> Option<Color> {
    (COLORS.iter())
        .find(|(known, _)| *known == word)
        .map(|(_, code)| hex(*code))
}

fn singulars(word: &str) -> impl Iterator<Item = &str> {
    let without = word.strip_suffix('s').filter(|short| short.len() > 2);
    std::iter::once(word).chain(without)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_things_colours_and_the_rest() {
        let reading = read("Two Foxes in a snowy forest at DUSK, golden quuxes");
        let want = [
            Thing::Fox,
            Thing::Snow,
            Thing::Forest,
            Thing::Dusk,
            Thing::Warm,
        ];
        assert_eq!(reading.things, want);
        assert_eq!(reading.colors, [hex(0xd8_a83a)]);
        assert!(reading.rest.contains("quuxes"));
    }

    #[test]
    fn a_colour_before_a_thing_is_no_fruit() {
        assert_eq!(read("orange cat").things, [Thing::Cat]);
        assert_eq!(
            read("a bowl of oranges").things,
            [Thing::Bowl, Thing::Orange]
        );
    }

    #[test]
    fn what_is_not_wanted_is_taken_out() {
        let mut reading = read("a lake with boats, red");
        reading.remove(&read("boat, red"));
        assert_eq!(reading.things, [Thing::Lake]);
        assert!(reading.colors.is_empty());
    }

    #[test]
    fn reads_any_script() {
        let reading = read("Лиса в лесу 狐狸 \u{0} ﷽");
        assert!(reading.things.is_empty());
        assert!(!reading.rest.is_empty());
    }
}
